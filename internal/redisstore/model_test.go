package redisstore

import "testing"

// What these tests find with a real Redis, they find with the model, too.
func TestTheModelDoesTheSame(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"one has the lease": TestOneHasTheLease,
		"who loses the lease is told and writes nothing more": TestWhoLosesTheLeaseIsToldAndWritesNothingMore,
		"a lease that ran out is kept if nobody else took it": TestALeaseThatRanOutIsKeptIfNobodyElseTookIt,
		"what Redis has lost is written again":                TestWhatRedisHasLostIsWrittenAgain,
		"a newer state keeps older programs out":              TestANewerStateKeepsOlderProgramsOut,
		"a handover is asked of the holder":                   TestHandoverIsAskedOfTheHolder,
		"a lease that was given back is taken at once":        TestALeaseThatWasGivenBackIsTakenAtOnce,
		"a call that goes on under another is not recorded":   TestACallThatGoesOnUnderAnotherIsNotRecorded,
		"a lease is given although the clock was set back":    TestALeaseIsGivenAlthoughTheClockOfRedisWasSetBack,
		"who cannot lead does not stand by":                   TestWhoCannotLeadDoesNotStandBy,
		"silent controllers are forgotten":                    TestSilentControllersAreForgotten,
		"a doubled batch counts once":                         TestDoubledBatchCountsOnce,
		"Redis forgets its scripts":                           TestNoScriptFallback,
		"a refused record does not hold up the others":        TestRefusedRecordDoesNotHoldUpTheOthers,
		"a parked state is replaced":                          TestParkedStateIsReplaced,
		"live state is read back as it was last":              TestLiveStateIsReadBackAsItWasLast,
		"another version is refused":                          TestLoadRefusesAnotherVersion,
	} {
		t.Run(name, test)
	}
}
