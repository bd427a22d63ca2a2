package redisstore

import (
	"context"
	"sync"
	"testing"
	"time"

	"hotline/internal/redisstore/redistest"
)

// substitutes are groups in the place of the Redis that a test asks for.
var substitutes = struct {
	sync.Mutex
	tests  map[testing.TB]string
	places map[string]func(*Options)
}{tests: map[testing.TB]string{}, places: map[string]func(*Options){}}

// substitute lets t have the place instead of a Redis of its own.
func substitute(t testing.TB, name string, place func(*Options)) {
	substitutes.Lock()
	defer substitutes.Unlock()
	substitutes.tests[t], substitutes.places[name] = name, place
	t.Cleanup(func() {
		substitutes.Lock()
		defer substitutes.Unlock()
		delete(substitutes.tests, t)
	})
}

// substituteFor is the place that t has, if it has one.
func substituteFor(t testing.TB) (*redistest.Server, bool) {
	substitutes.Lock()
	defer substitutes.Unlock()
	name, found := substitutes.tests[t]
	return &redistest.Server{Address: name}, found
}

// atPlace replaces an address that names a place.
func atPlace(o *Options) {
	substitutes.Lock()
	defer substitutes.Unlock()
	if place := substitutes.places[o.Address]; place != nil {
		place(o)
	}
}

func sentinelPlace(g *redistest.Group) func(*Options) {
	return func(o *Options) {
		o.Address, o.Sentinel = "", &Sentinel{Master: redistest.MasterName, Addresses: g.Addresses(false)}
	}
}

func clusterPlace(g *redistest.Group) func(*Options) {
	return func(o *Options) { o.Address, o.Cluster = "", g.Addresses(true) }
}

// siteSlot is the slot of the tests' site.
var siteSlot = slotOf("hotline:{lyg}:lease")

// What holds with one Redis holds with Sentinel and with a cluster. These are the
// tests that do nothing to the Redis but ask.
var everywhere = map[string]func(*testing.T){
	"records once":                TestDoubledBatchCountsOnce,
	"script brought along":        TestNoScriptFallback,
	"two stores":                  TestConcurrentReplaysOfTwoStores,
	"memory full":                 TestRefusedRecordKeepsTheCallLive,
	"verify":                      TestVerifyFindsDifferences,
	"live state":                  TestLiveStateIsReadBackAsItWasLast,
	"shutdown":                    TestShutdownWritesWhatIsLeft,
	"one lease":                   TestOneHasTheLease,
	"lost lease":                  TestWhoLosesTheLeaseIsToldAndWritesNothingMore,
	"lease that ran out":          TestALeaseThatRanOutIsKeptIfNobodyElseTookIt,
	"newer state":                 TestANewerStateKeepsOlderProgramsOut,
	"lost data":                   TestWhatRedisHasLostIsWrittenAgain,
	"closed day":                  TestClosedDayReadsLikeAnOpenOne,
	"correction":                  TestCorrectionOfAClosedDayIsVisibleAndDated,
	"archive":                     TestArchivedDayKeepsItsFigures,
	"import":                      TestImportCountsLikeLiveCallsAndOnce,
	"import holds days":           TestLongImportHoldsItsDays,
	"import of published figures": TestImportBesidePublishedFigures,
	"imported years":              TestImportedYears,
	"sites":                       TestSitesAreTheRowsOfTheTables,
}

func TestSentinelAndClusterAreLikeOneRedis(t *testing.T) {
	t.Parallel()
	t.Run("sentinel", func(t *testing.T) {
		t.Parallel()
		g := redistest.StartSentinel(t, time.Minute)
		likeOneRedis(t, "sentinel", sentinelPlace(g), g.Master)
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		g := redistest.StartCluster(t, siteSlot, time.Minute)
		likeOneRedis(t, "cluster", clusterPlace(g), append(g.Others, g.Master)...)
	})
}

func likeOneRedis(t *testing.T, name string, place func(*Options), masters ...*redistest.Node) {
	for what, test := range everywhere {
		t.Run(what, func(t *testing.T) {
			for _, master := range masters {
				master.Do(t, "FLUSHALL")
				master.Do(t, "SCRIPT", "FLUSH")
			}
			substitute(t, name, place)
			test(t)
			checked := map[string]bool{}
			for _, f := range open(t, name).Check(context.Background()) {
				checked[f.Name] = f.OK
			}
			if !checked["redis reachable"] || !checked["redis version"] || !checked["redis replicas"] {
				t.Errorf("check: %v", checked)
			}
		})
	}
}
