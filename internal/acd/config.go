package acd

import "time"

// Config is what the engine needs to know of a site. internal/config
// validates it; NewEngine and Reconfigure refuse what is inconsistent.
type Config struct {
	Entries []Entry
	Queues  []Queue
	Agents  []Agent
	Seats   []SeatID
	// NotReadyReasons are the site's own reason codes.
	NotReadyReasons []NotReadyReason
	// Partners are other hotlines that rules of overflow may ask for help.
	Partners []Partner
	// Admission bounds the pace of new calls.
	Admission Admission
	// BlockedPrompts are what blocked callers hear; may be empty.
	BlockedPrompts []string
	// PriorityWorth is how long a wait one point of priority is worth; see
	// Queue.Weight for the score. 0 means DefaultPriorityWorth.
	PriorityWorth time.Duration
	// Seed starts the choices by chance of the strategy WeightedRandom.
	Seed uint64
}

// DefaultPriorityWorth lets one point of priority count as half a minute of waiting.
const DefaultPriorityWorth = 30 * time.Second

// SkillID names a skill, for example english.
type SkillID string

// Level is a proficiency: 1 (beginner) to 10 (expert); 0 is none.
type Level int

// The bounds of a Level. An agent who serves a queue and has no level given
// there has the highest.
const (
	MinLevel Level = 1
	MaxLevel Level = 10
)

// Requirement is a skill that a call asks for, and how much of it.
type Requirement struct {
	Skill SkillID
	Level Level // MinLevel to MaxLevel; in a Relaxation 0: no longer asked for
}

// Entry is a number that callers dial and what it leads to.
type Entry struct {
	Number   string
	Queue    QueueID
	Greeting []string // prompts, played in this order before the queue; may be empty
	// Priority of its calls, in points; may be negative.
	Priority int
	// Skills that its calls ask for, each once.
	Skills []Requirement
}

// Strategy says which of several ready agents is rung.
type Strategy string

// The strategies. Where two agents are equal, the one idle longest comes first.
const (
	// LongestIdle: the agent who has been idle longest. The default.
	LongestIdle Strategy = "longest_idle"
	// LeastOccupied: the agent with the least occupancy since login, which is
	// on-contact / (on-contact + idle), as of when the agent became ready.
	LeastOccupied Strategy = "least_occupied"
	// FewestCalls: the agent with the fewest conversations since login.
	FewestCalls Strategy = "fewest_calls"
	// RoundRobin: the agent to whom no call was offered for the longest time,
	// whether the call was taken or not.
	RoundRobin Strategy = "round_robin"
	// MostSkilled: the agent with the highest sum of levels, in the queue and
	// in the skills that the call asked for when it came.
	MostSkilled Strategy = "most_skilled"
	// Ordered: the agents in the order of the configuration.
	Ordered Strategy = "ordered"
	// WeightedRandom: by chance, in proportion to the agents' weights.
	WeightedRandom Strategy = "weighted_random"
)

// Strategies lists all of them, the default first.
var Strategies = []Strategy{LongestIdle, LeastOccupied, FewestCalls, RoundRobin, MostSkilled, Ordered, WeightedRandom}

// Queue is where callers wait for an agent.
type Queue struct {
	ID    QueueID
	Title string // for people, e.g. 综合受理
	// Music is the music-on-hold class that waiting callers hear.
	Music string
	// Ringback, when set, lets the caller hear ringing tone instead of
	// music while an agent's phone rings.
	Ringback bool
	// RingTimeout bounds how long one agent's phone rings. More than 0.
	RingTimeout time.Duration
	// WrapUp is the after-call work time that follows a conversation. 0 or more.
	WrapUp time.Duration

	// Strategy chooses among ready agents; empty means LongestIdle.
	Strategy Strategy
	// RingAtOnce is how many phones ring for one caller; the first who answers
	// has the call. 0 and 1 mean one.
	RingAtOnce int
	// Weight of the queue where agents serve several: the caller with the
	// highest score is served first, and the score of a caller who waits is
	//
	//	Weight × (wait + Priority × PriorityWorth)
	//
	// 0 means 1. A caller of a queue of weight 2 thus overtakes one of weight
	// 1 who has waited less than twice as long. Within a queue and a priority
	// callers are served in the order in which they came.
	Weight float64
	// Level is the least level in this queue that an agent must have; 0: any.
	Level Level
	// Relax lowers what calls ask for as they wait, in order of After.
	Relax []Relaxation
	// LastAgent lets a caller wait for the agent of a former conversation.
	LastAgent LastAgent
	// Announce tells waiting callers where they stand.
	Announce Announce
	// Hours are when the queue is open; nil: always. They matter to rules of
	// Overflow that say Closed, and nobody is called back outside them.
	Hours Hours
	// Overflow are the rules for callers who shall not wait here; the first
	// that holds is followed. At most 32.
	Overflow []Overflow
	// Callback says how callers are called back.
	Callback Callback
	// Redial keeps the places of callers who give up.
	Redial Redial
	// Rating asks callers to rate the service when the agent has left.
	Rating Rating
	// NotAgain is how long a call is not offered again to an agent who did not
	// take it, though that agent be ready. 0 or more.
	NotAgain time.Duration
}

// Relaxation is a step in which a waiting call asks for less.
type Relaxation struct {
	After time.Duration // of waiting in the queue; more than 0, and than the step before
	// Level replaces Queue.Level from here on; 0: any.
	Level Level
	// Skills replace the levels of these skills from here on.
	Skills []Requirement
	// Queues are those whose agents, of any level there, may serve the call
	// too from here on.
	Queues []QueueID
}

// Announce says when waiting callers hear how many are ahead of them and how
// long it may take. Whoever hears it is served no later for that.
type Announce struct {
	After time.Duration // of waiting; 0: never
	Every time.Duration // afterwards; 0: only once, else at least 10 s
}

// LastAgent is the preference for the agent with whom a caller talked last.
type LastAgent struct {
	// Within is how long ago the conversation may have ended; 0: no preference.
	Within time.Duration
	// Wait bounds how long the caller waits for that agent alone, when the
	// agent is logged in and not ready at once. 0: not at all.
	Wait time.Duration
}

// Agent is a person who answers calls.
type Agent struct {
	ID     AgentID
	Name   string
	Queues []QueueID // the queues that the agent serves; not empty
	// Levels in those queues; a queue that is missing here has MaxLevel.
	Levels map[QueueID]Level
	Skills map[SkillID]Level
	// Weight is the agent's share in WeightedRandom; 0 means 1.
	Weight float64
	// WrapUp replaces that of the queues when it is not 0.
	WrapUp time.Duration
	// PIN, when not empty, must follow the work number when the agent logs
	// in at a phone.
	PIN string
}

// NotReadyReason is a reason that agents choose when they take a break.
type NotReadyReason struct {
	Name  string // e.g. break
	Title string // for people, e.g. 小休
	Digit string // dialled after *13; one digit, or empty if it cannot be dialled
}
