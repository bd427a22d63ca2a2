// Package config reads the configuration file. A strict YAML file and the
// secret files that it names enter; a complete, checked Config leaves, or every
// mistake at once, each as one sentence with file, line and column.
//
// It imports the standard library, acd, calendar and the YAML parser. cmd/hotline and
// internal/app import it. docs/configuration.md is the reference of all keys;
// a test holds it against the structures in schema.go.
package config
