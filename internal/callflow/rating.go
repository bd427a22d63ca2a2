package callflow

import (
	"strconv"
	"strings"

	"hotline/internal/acd"
)

// A caller whom the agent has left is asked to rate the service:
//
//	rating:1 ── 1 to 5, also in the middle of the prompts ──► thanks ──► the call ends
//	   │ another key, or silence after the prompts                ▲
//	   ▼                                                          │
//	rating:2 … the prompts again, as often as the queue says ─────┘
const (
	rating acd.FlowState = "rating:" // and how often the prompts were played
	thanks acd.FlowState = "thanks"
)

// What is asked for, made once and not for each call.
var end = []acd.FlowAction{acd.FlowEnd{}}

// askRating plays the prompts for the n-th time, or ends when that is too often.
func askRating(n int, info *acd.FlowInfo) (acd.FlowState, []acd.FlowAction) {
	if n > info.Rating.Attempts {
		return thank(info)
	}
	return rating + acd.FlowState(strconv.Itoa(n)), play(info.Rating.Prompts...)
}

func thank(info *acd.FlowInfo, before ...acd.FlowAction) (acd.FlowState, []acd.FlowAction) {
	if len(info.Rating.Thanks) == 0 {
		return thanks, append(before, acd.FlowEnd{})
	}
	return thanks, append(before, acd.FlowPlay{Prompts: info.Rating.Thanks})
}

// rates says what comes next for a caller who is asked for a rating.
func rates(state acd.FlowState, event acd.FlowEvent, info *acd.FlowInfo) (acd.FlowState, []acd.FlowAction) {
	if event == acd.FlowRate {
		return askRating(1, info)
	}
	times, asked := strings.CutPrefix(string(state), string(rating))
	if !asked { // thanked already
		if event == acd.FlowPlayed || event == acd.FlowSilence {
			return state, end
		}
		return state, nil
	}
	n, _ := strconv.Atoi(times)
	switch event {
	case acd.FlowPlayed:
		return state, []acd.FlowAction{acd.FlowListen{For: info.Rating.Timeout}}
	case acd.FlowSilence:
		return askRating(n+1, info)
	case acd.FlowDigit:
		if grade, err := strconv.Atoi(info.Digit); err == nil && grade >= acd.BestGrade && grade <= acd.WorstGrade {
			return thank(info, acd.FlowRated{Grade: grade})
		}
		return askRating(n+1, info)
	}
	return state, nil
}
