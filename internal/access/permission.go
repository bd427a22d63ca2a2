package access

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what a user is; see Rules for what it may do.
type Role string

// The roles.
const (
	Agent      Role = "agent" // bound to an agent's id
	Supervisor Role = "supervisor"
	Analyst    Role = "analyst"
	Ops        Role = "ops"
	Admin      Role = "admin"
)

// Roles are all of them.
var Roles = []Role{Agent, Supervisor, Analyst, Ops, Admin}

// Permission is the right to do one kind of thing. It is also the name of a
// token's scope.
type Permission string

// The permissions; Rules says what they mean and who has them.
const (
	ReadQueues      Permission = "queues.read"
	ReadAgents      Permission = "agents.read"
	ControlAgents   Permission = "agents.control"
	AssignAgents    Permission = "agents.assign"
	ActAsAgent      Permission = "agents.self"
	ReadCalls       Permission = "calls.read"
	DirectCalls     Permission = "calls.direct"
	ReadCallbacks   Permission = "callbacks.read"
	CancelCallbacks Permission = "callbacks.cancel"
	ReadBlocked     Permission = "blocked.read"
	ChangeBlocked   Permission = "blocked.change"
	SeeNumbers      Permission = "numbers.see"
	SetEmergency    Permission = "emergency.set"
	ReadTraffic     Permission = "traffic.read"
	ReadConfig      Permission = "configuration.read"
	ChangeConfig    Permission = "configuration.change"
	Reload          Permission = "configuration.reload"
	ReadAudit       Permission = "audit.read"
	ManageUsers     Permission = "users.manage"
	ManageTokens    Permission = "tokens.manage"
	ManageSessions  Permission = "sessions.manage"
)

// Rule says who has a permission.
type Rule struct {
	Permission Permission
	Means      string
	Roles      []Role
	// Scope: a token may have it. What makes users, tokens and sessions is for
	// people only: a token that leaks must not be able to make another.
	Scope bool
	// File: the token of http.token_file has it.
	File bool
}

// Rules is the whole of it: the code, docs/access.md and the tests go by this table.
var Rules = []Rule{
	{ReadQueues, "queues, partners, the emergency announcement", []Role{Agent, Supervisor, Analyst, Ops, Admin}, true, true},
	{ReadAgents, "agents and their states", []Role{Supervisor, Ops, Admin}, true, true},
	{ControlAgents, "log any agent in and out, ready, not ready, longer wrap-up", []Role{Supervisor, Admin}, true, true},
	{AssignAgents, "give an agent other queues, levels and skills than the configuration says, and take that back", []Role{Supervisor, Admin}, true, true},
	{ActAsAgent, "see oneself as an agent, and the same for oneself only", []Role{Agent}, false, false},
	{ReadCalls, "calls in progress and finished, numbers masked", []Role{Supervisor, Ops, Admin}, true, true},
	{DirectCalls, "put a caller who waits forward or back, move one to another queue", []Role{Supervisor, Admin}, true, true},
	{ReadCallbacks, "callbacks, numbers masked", []Role{Supervisor, Ops, Admin}, true, true},
	{CancelCallbacks, "cancel a callback", []Role{Supervisor, Admin}, true, true},
	{ReadBlocked, "blocked callers, numbers masked", []Role{Supervisor, Ops, Admin}, true, true},
	{ChangeBlocked, "block a caller, lift a block", []Role{Supervisor, Admin}, true, true},
	{SeeNumbers, "full numbers of calls and callbacks, where http.full_numbers allows it; each look is audited", []Role{Supervisor, Admin}, true, false},
	{SetEmergency, "switch the emergency announcement", []Role{Supervisor, Admin}, true, true},
	{ReadTraffic, "traffic figures and reports", []Role{Supervisor, Analyst, Ops, Admin}, true, true},
	{ReadConfig, "the text of the configuration, the present and former ones", []Role{Ops, Admin}, true, true},
	{ChangeConfig, "write the configuration file and apply it", []Role{Ops, Admin}, true, true},
	{Reload, "apply the configuration file as it is on the machine", []Role{Ops, Admin}, true, true},
	{ReadAudit, "the audit log", []Role{Ops, Admin}, true, true},
	{ManageUsers, "list, create, change and disable users, reset their passwords", []Role{Admin}, false, false},
	{ManageTokens, "list, create and revoke tokens", []Role{Admin}, false, false},
	{ManageSessions, "list and revoke the sessions of others", []Role{Admin}, false, false},
}

// Permissions are what a role may do.
func (r Role) Permissions() (may []Permission) {
	for _, rule := range Rules {
		if slices.Contains(rule.Roles, r) {
			may = append(may, rule.Permission)
		}
	}
	return may
}

// Scopes are the permissions that a token may have.
func Scopes() (scopes []Permission) {
	for _, rule := range Rules {
		if rule.Scope {
			scopes = append(scopes, rule.Permission)
		}
	}
	return scopes
}

func filePermissions() (may []Permission) {
	for _, rule := range Rules {
		if rule.File {
			may = append(may, rule.Permission)
		}
	}
	return may
}

// Table renders Rules as the table of docs/access.md.
func Table() string {
	var b strings.Builder
	b.WriteString("| permission | lets one |")
	for _, r := range Roles {
		fmt.Fprintf(&b, " %s |", r)
	}
	b.WriteString(" token scope | token file |\n|---|---|" + strings.Repeat("---|", len(Roles)+2) + "\n")
	mark := func(yes bool) string {
		if yes {
			return " yes |"
		}
		return " – |"
	}
	for _, rule := range Rules {
		fmt.Fprintf(&b, "| `%s` | %s |", rule.Permission, rule.Means)
		for _, r := range Roles {
			b.WriteString(mark(slices.Contains(rule.Roles, r)))
		}
		b.WriteString(mark(rule.Scope) + mark(rule.File) + "\n")
	}
	return b.String()
}
