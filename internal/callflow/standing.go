package callflow

import (
	"strconv"
	"time"

	"hotline/internal/acd"
)

// Prompts of the announcement to waiting callers. Numbers are put together from
// n-0 to n-10 and n-liang (两, which Chinese says for two of something).
const (
	promptNext      = "queue-next"       // 您是下一位
	promptAhead     = "queue-ahead"      // 您前面还有
	promptMoreThan  = "more-than"        // 超过
	promptCallers   = "queue-callers"    // 位来电者
	promptExpected  = "queue-expected"   // 预计等待
	promptMinutes   = "minutes"          // 分钟
	promptUnderOne  = "under-one-minute" // 不到一分钟
	promptThanks    = "queue-thanks"     // 感谢您的耐心等待
	largestNumber   = 99
	largestEstimate = 60 // minutes
)

// standing says how many callers are ahead, and how long it may take, in whole
// minutes rounded up: who is told three minutes shall not wait for four.
func standing(info *acd.FlowInfo) []string {
	var prompts []string
	switch {
	case info.Ahead == 0:
		prompts = append(prompts, promptNext)
	case info.Ahead > largestNumber:
		prompts = append(prompts, promptAhead, promptMoreThan)
		prompts = append(append(prompts, number(largestNumber)...), promptCallers)
	default:
		prompts = append(append(append(prompts, promptAhead), number(info.Ahead)...), promptCallers)
	}
	if info.Known {
		prompts = append(append(prompts, promptExpected), minutes(info.Expected)...)
	}
	return append(prompts, promptThanks)
}

func minutes(d time.Duration) []string {
	n := int((d + time.Minute - 1) / time.Minute)
	switch {
	case n <= 1:
		return []string{promptUnderOne}
	case n > largestEstimate:
		return append(append([]string{promptMoreThan}, number(largestEstimate)...), promptMinutes)
	}
	return append(number(n), promptMinutes)
}

// number says a count from 1 to 99 in Chinese: 两, 十二, 二十, 三十五.
func number(n int) []string {
	digit := func(d int) string { return "n-" + strconv.Itoa(d) }
	if n == 2 {
		return []string{"n-liang"}
	}
	if n <= 10 {
		return []string{digit(n)}
	}
	var prompts []string
	if tens := n / 10; tens > 1 {
		prompts = append(prompts, digit(tens))
	}
	prompts = append(prompts, digit(10))
	if ones := n % 10; ones > 0 {
		prompts = append(prompts, digit(ones))
	}
	return prompts
}
