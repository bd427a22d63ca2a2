package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"hotline/internal/access"
	"hotline/internal/acd"
)

// action is a handler and who may call it.
type action struct {
	handler
	Need
	secret  bool  // a good answer holds something that is shown this once
	largest int64 // body, in bytes; 0: largestBody
}

// Need is what a principal needs for a route.
type Need struct {
	All     []access.Permission // every one of these; none: to be logged in
	Any     []access.Permission // and one of these, if there are any
	Self    bool                // or to be the agent whom the path names
	Expired bool                // also with a password that has expired
}

// actions are those of one path by method. What one has to be allowed is said for each:
// there is no route of /api/v1 without.
type actions map[string]action

func needs(h handler, all ...access.Permission) action {
	return action{handler: h, Need: Need{All: all}}
}

// own is for those with the permission, and for the agent whom the path names.
func own(h handler, permission access.Permission) action {
	return action{handler: h, Need: Need{All: []access.Permission{permission}, Self: true}}
}

// oneOf is for those with any of the permissions.
func oneOf(h handler, any ...access.Permission) action {
	return action{handler: h, Need: Need{Any: any}}
}

// anybody is for all who are logged in.
func anybody(h handler) action { return action{handler: h} }

// always is for all who are logged in, also with a password that has expired.
func always(h handler) action { return action{handler: h, Need: Need{Expired: true}} }

// secret is for actions whose good answers hold a password, a token or a session.
func secret(do action) action {
	do.secret = true
	return do
}

// large is for actions that take the text of a configuration.
func large(do action) action {
	do.largest = largestTextBody
	return do
}

// secured are the routes of /api/v1 but for unsecured.
func (a *api) secured() map[string]actions {
	get, post, put, patch, del := http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete
	return map[string]actions{
		"/api/v1/snapshot":              {get: needs(a.snapshot, access.ReadQueues, access.ReadAgents, access.ReadCalls, access.ReadCallbacks, access.ReadBlocked)},
		"/api/v1/events":                {get: oneOf(a.events, anyKind...)},
		"/api/v1/alerts":                {get: needs(a.alerts, access.ReadQueues, access.ReadAgents)},
		"/api/v1/queues":                {get: needs(a.queues, access.ReadQueues)},
		"/api/v1/queues/{id}":           {get: needs(a.queue, access.ReadQueues)},
		"/api/v1/agents":                {get: needs(a.agents, access.ReadAgents)},
		"/api/v1/agents/{id}":           {get: own(a.agent, access.ReadAgents)},
		"/api/v1/agents/{id}/login":     {post: own(a.login, access.ControlAgents)},
		"/api/v1/agents/{id}/logout":    {post: own(a.logout, access.ControlAgents)},
		"/api/v1/agents/{id}/ready":     {post: own(a.setReady, access.ControlAgents)},
		"/api/v1/agents/{id}/not-ready": {post: own(a.setNotReady, access.ControlAgents)},
		"/api/v1/agents/{id}/wrap-up":   {post: own(a.extendWrapUp, access.ControlAgents)},
		"/api/v1/partners":              {get: needs(a.partners, access.ReadQueues)},
		"/api/v1/callbacks":             {get: needs(a.callbacks, access.ReadCallbacks)},
		"/api/v1/callbacks/{id}/cancel": {post: needs(a.cancelCallback, access.CancelCallbacks)},
		"/api/v1/blocked":               {get: needs(a.blocked, access.ReadBlocked), post: needs(a.block, access.ChangeBlocked)},
		"/api/v1/blocked/lift":          {post: needs(a.unblock, access.ChangeBlocked)},
		"/api/v1/emergency":             {get: needs(a.emergency, access.ReadQueues), put: needs(a.setEmergency, access.SetEmergency)},
		"/api/v1/site":                  {get: anybody(a.site)},
		"/api/v1/announcements":         {get: needs(a.announcements, access.ReadQueues)},
		"/api/v1/reload":                {post: needs(a.reload, access.Reload)},
		"/api/v1/calls":                 {get: needs(a.calls, access.ReadCalls)},
		"/api/v1/calls/{id}":            {get: needs(a.call, access.ReadCalls)},
		"/api/v1/traffic/today":         {get: needs(a.today, access.ReadTraffic)},
		"/api/v1/traffic/days/{day}":    {get: needs(a.day, access.ReadTraffic)},

		"/api/v1/calls/finished":                  {get: needs(a.finished, access.ReadCalls)},
		"/api/v1/traffic/board":                   {get: needs(a.board, access.ReadTraffic)},
		"/api/v1/traffic/days/{day}/intervals":    {get: needs(a.intervals, access.ReadTraffic)},
		"/api/v1/reports":                         {get: needs(a.reports, access.ReadTraffic)},
		"/api/v1/reports/daily/{day}":             {get: needs(a.dailyReport, access.ReadTraffic)},
		"/api/v1/reports/monthly/{month}":         {get: needs(a.monthlyReport, access.ReadTraffic)},
		"/api/v1/reports/annual/{year}":           {get: needs(a.annualReport, access.ReadTraffic)},
		"/api/v1/agents/{id}/skills":              {post: needs(a.assignSkills, access.AssignAgents)},
		"/api/v1/agents/{id}/skills/reset":        {post: needs(a.resetSkills, access.AssignAgents)},
		"/api/v1/calls/{id}/prioritise":           {post: needs(a.prioritise, access.DirectCalls)},
		"/api/v1/calls/{id}/move":                 {post: needs(a.moveCall, access.DirectCalls)},
		"/api/v1/configuration":                   {get: needs(a.configuration, access.ReadConfig), put: large(needs(a.applyConfiguration, access.ChangeConfig))},
		"/api/v1/configuration/validate":          {post: large(needs(a.validateConfiguration, access.ReadConfig))},
		"/api/v1/configuration/history":           {get: needs(a.configurationHistory, access.ReadConfig)},
		"/api/v1/configuration/history/{version}": {get: needs(a.configurationVersion, access.ReadConfig)},
		"/api/v1/configuration/rollback":          {post: needs(a.rollBackConfiguration, access.ChangeConfig)},

		"/api/v1/me":                    {get: always(a.me)},
		"/api/v1/me/password":           {post: secret(always(a.choosePassword))},
		"/api/v1/logout":                {post: always(a.endSession)},
		"/api/v1/sessions":              {get: anybody(a.sessions)},
		"/api/v1/sessions/{id}":         {del: anybody(a.revokeSession)},
		"/api/v1/users":                 {get: needs(a.users, access.ManageUsers), post: secret(needs(a.createUser, access.ManageUsers))},
		"/api/v1/users/{name}":          {get: needs(a.user, access.ManageUsers), patch: needs(a.changeUser, access.ManageUsers)},
		"/api/v1/users/{name}/password": {post: secret(needs(a.resetPassword, access.ManageUsers))},
		"/api/v1/tokens":                {get: needs(a.tokens, access.ManageTokens), post: secret(needs(a.createToken, access.ManageTokens))},
		"/api/v1/tokens/{id}":           {del: needs(a.revokeToken, access.ManageTokens)},
		"/api/v1/audit":                 {get: needs(a.audit, access.ReadAudit)},
	}
}

// unsecured are the routes of /api/v1 for everybody: the login, and the document of the
// API, which holds nothing of a site and is read by who has no login yet.
func (a *api) unsecured() map[string]methods {
	return map[string]methods{
		"/api/v1/login":      {http.MethodGet: a.waysIn, http.MethodPost: a.beginSession},
		"/api/v1/login/oidc": {http.MethodGet: a.beginByIssuer},
		// The issuer sends browsers here: the address is part of its configuration.
		"/api/v1/login/oidc/callback": {http.MethodGet: a.endByIssuer},

		"/api/v1/openapi.json": {http.MethodGet: a.openAPIJSON},
		"/api/v1/openapi.yaml": {http.MethodGet: a.openAPIYAML},
		"/api/v1/docs":         {http.MethodGet: a.docs},
	}
}

// OpenRoutes lists those for everybody, as method and pattern.
func OpenRoutes() (routes []string) {
	for pattern, of := range (&api{}).unsecured() {
		for method := range of {
			routes = append(routes, method+" "+pattern)
		}
	}
	slices.Sort(routes)
	return routes
}

// Route is a route of /api/v1 for whom it is.
type Route struct {
	Method, Pattern string
	Need
	Secret bool // a good answer holds something that is shown this once
}

// Routes lists those that need a login, for documents and tests.
func Routes() (routes []Route) {
	for pattern, of := range (&api{}).secured() {
		for method, do := range of {
			routes = append(routes, Route{method, pattern, do.Need, do.secret})
		}
	}
	slices.SortFunc(routes, func(a, b Route) int { return strings.Compare(a.Pattern+" "+a.Method, b.Pattern+" "+b.Method) })
	return routes
}

// Lets reports whether the principal may; id is what the path names, if anything.
func (n Need) Lets(p *access.Principal, id string) bool {
	if p.Expired {
		return n.Expired
	}
	if n.Self && p.Acts(acd.AgentID(id)) {
		return true
	}
	for _, permission := range n.All {
		if !p.May(permission) {
			return false
		}
	}
	return len(n.Any) == 0 || slices.ContainsFunc(n.Any, p.May)
}
