package view

import "hotline/internal/acd"

// Site is what is configured of a site, as far as pages offer a choice of it or need its
// words. Lists are in the order of the configuration.
type Site struct {
	Site     string        `json:"site"`
	TimeZone string        `json:"time_zone"` // an IANA name
	Numbers  []string      `json:"numbers"`   // that callers dial
	Queues   []QueueTitle  `json:"queues"`
	Reasons  []ReasonTitle `json:"reasons"` // for being not ready, that people may choose
	Seats    []acd.SeatID  `json:"seats"`
	Skills   []acd.SkillID `json:"skills"` // that callers ask for or agents have, sorted
	// PriorityWorth is the waiting that one point of priority counts as.
	PriorityWorth Seconds `json:"priority_worth"`
	// Levels are the service levels that stand where only one formula has room.
	Levels []ServiceLevel `json:"levels"`
}

// ServiceLevel is which of the figures is a service level, and its threshold.
type ServiceLevel struct {
	Seconds int    `json:"seconds"`
	Figure  string `json:"figure"`
}

// QueueTitle is what people call a queue.
type QueueTitle struct {
	Queue acd.QueueID `json:"queue"`
	Title string      `json:"title"`
}

// ReasonTitle is what people call a reason.
type ReasonTitle struct {
	Reason string `json:"reason"`
	Title  string `json:"title"`
}
