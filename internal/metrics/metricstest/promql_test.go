package metricstest

import (
	"fmt"
	"testing"
)

func TestWhatAQueryAsksFor(t *testing.T) {
	const query = `histogram_quantile(0.99, sum by (site, le) (rate(hotline_a_seconds_bucket{site=~"x{hotline_no}",queue!="q"}[5m])))
	  and on (job) up{job="hotline"} == 1 unless queue:hotline_b:max / go_goroutines`
	want := "[{hotline_a_seconds_bucket [site queue]} {up [job]} {queue:hotline_b:max []} {go_goroutines []}]"
	if got := fmt.Sprint(Selectors(query)); got != want {
		t.Errorf("selectors %s, want %s", got, want)
	}
	if got := fmt.Sprint(Groupings(query)); got != "[site le job]" {
		t.Errorf("groupings %s", got)
	}
}
