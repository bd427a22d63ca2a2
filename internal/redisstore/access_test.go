package redisstore

import (
	"testing"

	"hotline/internal/access/accesstest"
	"hotline/internal/redisstore/redistest"
)

func TestAccessConforms(t *testing.T) {
	accesstest.Conform(t, open(t, redistest.Start(t).Address).Access())
}
