package callflow

import (
	"strings"

	"hotline/internal/acd"
)

// A caller to whom a callback was offered books it by keys:
//
//	offered ── 1 ──► booked, to the caller's own number
//	   │ 2 (or 1, when the number is not known, or none that can be called)
//	   ▼
//	number: ── digits, then # ──► confirm: ── 1 ──► booked, to that number
//	   ▲                             │ 2
//	   └─────────────────────────────┘
//
// The call waits all the while and is connected as soon as an agent is free.
const (
	offered  acd.FlowState = "offered"
	entering acd.FlowState = "number:"
	confirm  acd.FlowState = "confirm:"
)

// Numbers that are called back have so many digits.
const (
	shortestNumber = 5
	longestNumber  = 15
)

const (
	promptEnter     = "callback-enter"      // 请输入回拨号码，以井号键结束
	promptYouHave   = "callback-number"     // 您输入的号码是
	promptConfirm   = "callback-confirm"    // 确认请按1，重新输入请按2
	promptBadNumber = "callback-bad-number" // 号码有误，请重新输入，以井号键结束
)

// entersNumber reports whether the caller is busy with the keys, so that no
// announcement shall come between.
func entersNumber(state acd.FlowState) bool {
	return strings.HasPrefix(string(state), string(entering)) || strings.HasPrefix(string(state), string(confirm))
}

// callable reports whether a caller's own number can be called back.
func callable(number string) bool {
	digits := len(strings.TrimPrefix(number, "+"))
	return digits >= shortestNumber && digits <= longestNumber
}

// pressed says what a key does.
func pressed(state acd.FlowState, info *acd.FlowInfo) (acd.FlowState, []acd.FlowAction) {
	key := info.Digit
	if state == offered {
		switch {
		case key == "1" && callable(info.Caller):
			return state, []acd.FlowAction{acd.FlowCallback{}}
		case key == "1" || key == "2":
			return entering, play(promptEnter)
		}
		return state, nil
	}
	if digits, confirms := strings.CutPrefix(string(state), string(confirm)); confirms {
		switch key {
		case "1":
			return state, []acd.FlowAction{acd.FlowCallback{Number: digits}}
		case "2":
			return entering, play(promptEnter)
		}
		return state, nil
	}
	digits, enters := strings.CutPrefix(string(state), string(entering))
	switch {
	case !enters:
		return state, nil
	case key == "#" && len(digits) < shortestNumber:
		return entering, play(promptBadNumber)
	case key == "#":
		prompts := []string{promptYouHave}
		for _, d := range digits {
			prompts = append(prompts, "n-"+string(d))
		}
		return confirm + acd.FlowState(digits), play(append(prompts, promptConfirm)...)
	case key == "*":
		return entering, play(promptEnter)
	case len(digits) >= longestNumber:
		return entering, play(promptBadNumber)
	}
	return state + acd.FlowState(key), nil
}
