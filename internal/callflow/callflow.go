// Package callflow says what a caller hears, and when, before and in the
// queue, and when the agent has left. It is pure: the acd engine asks it what comes next. It imports acd
// only; internal/app hands it to the engine.
package callflow

import (
	"slices"

	"hotline/internal/acd"
)

// Standard is the flow that the service specification advises: no menu, a
// short greeting (after an emergency announcement, if there is one) straight
// into the queue, hold music (or ringing tone while a phone rings) until an
// agent answers.
type Standard struct{}

// The states of Standard.
const (
	greeting acd.FlowState = "greeting"
	queued   acd.FlowState = "queued"
)

func play(prompts ...string) []acd.FlowAction {
	return []acd.FlowAction{acd.FlowPlay{Prompts: prompts}}
}

// What Standard asks for, made once and not for each call.
var (
	answerAndEnqueue = []acd.FlowAction{acd.FlowAnswer{}, acd.FlowEnqueue{}}
	enqueue          = []acd.FlowAction{acd.FlowEnqueue{}}
	music            = []acd.FlowAction{acd.FlowMusic{}}
	ringback         = []acd.FlowAction{acd.FlowRingback{}}
	stopRingback     = []acd.FlowAction{acd.FlowStopRingback{}}
)

// Next implements acd.Flow.
func (Standard) Next(state acd.FlowState, event acd.FlowEvent, info *acd.FlowInfo) (acd.FlowState, []acd.FlowAction) {
	if info.Rating != nil {
		return rates(state, event, info)
	}
	switch event {
	case acd.FlowStart:
		prompts := info.Entry.Greeting
		if len(info.Emergency) > 0 {
			prompts = slices.Concat(info.Emergency, prompts)
		}
		if len(prompts) > 0 {
			return greeting, []acd.FlowAction{acd.FlowAnswer{}, acd.FlowPlay{Prompts: prompts}}
		}
		return queued, answerAndEnqueue
	case acd.FlowResume:
		// The dialplan has told the caller to wait, and has most likely
		// answered; the channel of one that it has not is answered here.
		return queued, answerAndEnqueue
	case acd.FlowPlayed:
		if state == greeting {
			return queued, enqueue
		}
	case acd.FlowQueued:
		return state, music
	case acd.FlowAnnounce:
		if !entersNumber(state) {
			return state, play(standing(info)...)
		}
	case acd.FlowCallbackOffer:
		if !entersNumber(state) { // who is dialling a number already has decided
			return offered, nil
		}
	case acd.FlowMoved:
		if info.Queue.Callback.Attempts == 0 {
			return queued, nil // nobody is called back from here
		}
	case acd.FlowDigit:
		return pressed(state, info)
	case acd.FlowRinging:
		if info.Queue.Ringback {
			return state, ringback
		}
	case acd.FlowRingingEnd:
		if info.Queue.Ringback {
			return state, stopRingback
		}
	}
	return state, nil
}
