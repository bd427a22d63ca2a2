package config

import "time"

// The structures of this file mirror the YAML file. Tags: yaml is the key, default what
// holds when the key is left out, need the remedy when a key without default is missing.
// The comment of a field is what docs/configuration.md says of the key, in Markdown and on
// one line: make reference writes its tables from here.

type file struct {
	place
	// Names the site's data in Redis. 1 to 32 lower-case letters, digits or hyphens. Changing it starts new
	// figures.
	Site text `yaml:"site" need:"name the site, for example: site: lianyungang"`
	// IANA name of the zone whose calendar days and intervals the figures belong to.
	Timezone   text              `yaml:"timezone" default:"Asia/Shanghai"`
	Redis      redisSection      `yaml:"redis"`
	Spool      spoolSection      `yaml:"spool"`
	HTTP       httpSection       `yaml:"http"`
	Operations operationsSection `yaml:"operations"`
	Log        logSection        `yaml:"log"`
	Tracing    tracingSection    `yaml:"tracing"`
	Traffic    trafficSection    `yaml:"traffic"`
	Reports    reportsSection    `yaml:"reports"`
	Asterisk   asteriskSection   `yaml:"asterisk"`
	// List of the numbers that callers dial.
	Entries list[entryItem] `yaml:"entries" need:"name a number that callers dial, for example: - {number: \"12345\", queue: general}"`
	// List of the queues. Each is served by at least one agent.
	Queues list[queueItem] `yaml:"queues" need:"name a queue, for example: - {id: general, title: 综合受理}"`
	// List of the seats; an item has `id` or `range`.
	Seats list[seatItem] `yaml:"seats" need:"name the seats, for example: - {range: 8001-8040}"`
	// List of the agents; an item has `id` or `range`.
	Agents list[agentItem] `yaml:"agents" need:"name the agents, for example: - {id: \"1001\", name: 张三, queues: [general]}"`
	// List of the reasons that agents give when they are not ready.
	NotReadyReasons list[reasonItem] `yaml:"not_ready_reasons"`
	// List of the opening hours that queues refer to by `hours`.
	Calendars list[calendarItem] `yaml:"calendars"`
	// List of lists of holidays.
	Holidays list[holidaysItem] `yaml:"holidays"`
	// List of the partners; each is asked by a rule of `overflow`.
	Partners list[partnerItem] `yaml:"partners"`
	// Secret file of lines `1001 4711`: a work number and a PIN of 4 to 12 digits. Such an agent logs in at a
	// phone with `*11<agent>*<PIN>`. Blank lines and lines that begin with `#` are skipped.
	PINFile text `yaml:"pin_file" default:""`
	// How long a wait one point of an entry's `priority` is worth. 1s to 1h.
	PriorityWorth duration         `yaml:"priority_worth" default:"30s"`
	Admission     admissionSection `yaml:"admission"`
	// Prompts for callers who are blocked; `[]` for none.
	BlockedPrompts texts           `yaml:"blocked_prompts" default:"blocked"`
	Shutdown       shutdownSection `yaml:"shutdown"`
}

type redisSection struct {
	place
	// host:port of one Redis.
	Address  text            `yaml:"address" default:"127.0.0.1:6379"`
	Sentinel sentinelSection `yaml:"sentinel"`
	Cluster  clusterSection  `yaml:"cluster"`
	TLS      tlsSection      `yaml:"tls"`
	// ACL user; without it Redis's default user. Needs a password.
	Username text `yaml:"username" default:""`
	// Secret file. Left out, Redis asks for no password.
	PasswordFile text `yaml:"password_file" default:""`
	// 0 to 15. A cluster has only 0.
	Database number `yaml:"database" default:"0"`
}

type sentinelSection struct {
	place
	// Name under which the Sentinels know the master.
	Master text `yaml:"master"`
	// host:port of the Sentinels, best all of them.
	Addresses list[text] `yaml:"addresses"`
	// ACL user of the Sentinels themselves. Needs a password.
	Username text `yaml:"username" default:""`
	// Secret file for the Sentinels. Left out, they ask for no password.
	PasswordFile text `yaml:"password_file" default:""`
}

type clusterSection struct {
	place
	// host:port of some nodes of a Redis Cluster; hotline finds the others.
	Addresses list[text] `yaml:"addresses"`
}

type tlsSection struct {
	place
	// PEM file with the authority that has signed the certificates of Redis and Sentinel. With `tls`, all of
	// them are spoken to by TLS 1.2 or newer.
	CA text `yaml:"ca"`
	// PEM file with hotline's own certificate, for a Redis that asks for one (`tls-auth-clients`).
	Cert text `yaml:"cert"`
	// Secret file with the key of `cert`, PEM.
	Key text `yaml:"key"`
	// Name in the certificates of all servers. Left out, each certificate must name the host or address to
	// which hotline connects.
	ServerName text `yaml:"server_name"`
}

type spoolSection struct {
	place
	// Folder of the spool, made if it is missing. `hotline serve` does not start when it cannot write there.
	// Left out, what waits is in memory only.
	Dir text `yaml:"dir" default:""`
	// How much may wait on disk, in whole MiB or GiB: 1MiB to 1024GiB. The record of a call takes about 0.5
	// KiB. What does not fit waits in memory, which is logged, shown by readiness and counted in
	// `hotline_spool_errors_total`.
	MaxSize text `yaml:"max_size" default:"1GiB"`
}

type httpSection struct {
	place
	// address:port of API, health and, without `operations`, metrics.
	Listen text `yaml:"listen" default:"127.0.0.1:8080"`
	// Secret file with a bearer token of `/api/v1` for programs on this machine: at least 16 printable ASCII
	// characters. `openssl rand -hex 32` makes one. [access.md](access.md) says what it may do.
	TokenFile text           `yaml:"token_file" need:"name the file with the API's token, for example: token_file: secrets/api.token"`
	TLS       httpTLSSection `yaml:"tls"`
	OIDC      oidcSection    `yaml:"oidc"`
	// `true` allows plain HTTP on an address that is not loopback. Only where a TLS proxy stands in front:
	// passwords and tokens travel in clear.
	AllowPlain yesno `yaml:"allow_plain" default:"false"`
	// `true` lets supervisors and admins see the full numbers of calls and callbacks, on demand and audited.
	FullNumbers yesno `yaml:"full_numbers" default:"false"`
	// A login ends so long after its last request. 1m to 24h.
	SessionIdle duration `yaml:"session_idle" default:"30m"`
	// A login ends so long after it began. 10m to 168h.
	SessionLasts duration `yaml:"session_lasts" default:"12h"`
}

type httpTLSSection struct {
	place
	// PEM file with the certificate and its chain. With `tls`, everything on `http.listen` is HTTPS, TLS 1.2
	// or newer. It is read again within a second when it changes.
	Cert text `yaml:"cert"`
	// Secret file with the key of `cert`, PEM.
	Key text `yaml:"key"`
}

type oidcSection struct {
	place
	// With `oidc` people may also log in by OpenID Connect ([access.md](access.md#openid-connect)). The
	// issuer's address as its tokens have it, to the letter: https, or http on loopback.
	Issuer text `yaml:"issuer"`
	// Under which name the issuer knows hotline.
	ClientID text `yaml:"client_id"`
	// Secret file with what the issuer has given to hotline for it.
	ClientSecretFile text `yaml:"client_secret_file"`
	// Where the issuer sends browsers back to: the address at which people open the pages, and
	// `/api/v1/login/oidc/callback`. https, or http on loopback; the same is registered at the issuer.
	RedirectURL text `yaml:"redirect_url"`
	// The claim of the ID token, or else of userinfo, that holds the user's name. Take one that people cannot
	// change themselves.
	NameClaim text `yaml:"name_claim" default:"preferred_username"`
	// What the button on the login page says: at most 64 characters.
	Title text `yaml:"title" default:"统一身份认证"`
	// PEM file with the authority that has signed the issuer's certificate; left out, the machine's
	// authorities.
	CA text `yaml:"ca"`
}

type operationsSection struct {
	place
	// address:port, another one than `http.listen`.
	Listen text `yaml:"listen" default:""`
	// `true` allows an address that is not loopback. Only where a firewall lets in those alone who may see it,
	// such as the Prometheus server.
	AllowPlain yesno `yaml:"allow_plain" default:"false"`
}

type logSection struct {
	place
	// `debug`, `info`, `warn` or `error`.
	Level text `yaml:"level" default:"info"`
	// `json` for machines, `console` for people.
	Format text `yaml:"format" default:"json"`
}

type tracingSection struct {
	place
	// Where the collector takes OTLP over HTTP: scheme, host and port, and perhaps a path, to which
	// `/v1/traces` is added. Plain `http` is for loopback. Left out with the section: calls are not traced.
	Endpoint text `yaml:"endpoint" default:""`
	// Secret file of lines `Authorization: Bearer abc`, sent with each request. Blank lines and lines that
	// begin with `#` are skipped.
	HeadersFile text `yaml:"headers_file" default:""`
	// PEM file with the authority that has signed the collector's certificate. Left out, those that the system
	// trusts.
	CA text `yaml:"ca" default:""`
	// Share of the calls that are traced, 0 to 1. The call's id decides, so that all controllers decide alike.
	Sample decimal `yaml:"sample" default:"1"`
	// `true` allows plain HTTP to an address that is not loopback. Only where the network in between is safe:
	// what agents and callers did travels in clear.
	AllowPlain yesno `yaml:"allow_plain" default:"false"`
}

type trafficSection struct {
	place
	// Thresholds of the service levels, in the order in which they are shown: any of 1s, 2s, 3s, 5s, 10s, 15s,
	// 20s, 30s, 45s, 60s, 90s, 2m, 3m, 4m, 5m, 7m, 10m, 15m, 20m, 30m, 1h. The first is the target of the
	// alert [`long_wait`](events.md#alerts).
	ServiceLevels list[duration] `yaml:"service_levels"`
	// Who gives up after less than so long is a short abandon: 2s, 3s, 5s, 10s or 20s.
	ShortAbandon duration `yaml:"short_abandon" default:"5s"`
	// Formula of the service levels that are compared with earlier periods and stand in rows of queues and
	// days: `of_offered`, `of_answered`, `of_offered_less_short` or `with_abandoned`. `hotline traffic
	// definitions` explains them; each is shown where all have room.
	Formula text `yaml:"formula" default:"of_offered"`
}

type reportsSection struct {
	place
	// The office that publishes the reports, for their heads: at most 64 characters. `hotline report --office`
	// goes before it.
	Office text `yaml:"office" default:""`
	// The Chromium that prints a PDF; without it `chromium`, `chromium-browser` or `google-chrome` on the
	// PATH. `hotline report --chromium` goes before it.
	Chromium text `yaml:"chromium" default:""`
}

type asteriskSection struct {
	place
	// The Stasis application: 1 to 32 letters, digits, hyphens or underscores.
	App text `yaml:"app" default:"hotline"`
	// List of the Asterisk nodes, at least one.
	Nodes list[nodeItem] `yaml:"nodes" need:"name the Asterisk nodes, for example: - {id: a1, url: http://127.0.0.1:8088, username: hotline, password_file: secrets/ari.password}"`
	SIP   sipSection     `yaml:"sip"`
	Proxy proxySection   `yaml:"proxy"`
	// List of the carriers that may deliver calls.
	Trunks list[trunkItem] `yaml:"trunks"`
	// The trunk over which callers are called back and partners called. Required when a queue has `callback`,
	// or with `partners`; the trunk has a `contact`.
	OutboundTrunk text `yaml:"outbound_trunk" default:""`
	// Folder of secret files, one a seat and named like it, with the SIP passwords of the phones. Only
	// rendering reads them.
	SeatPasswordDir text `yaml:"seat_password_dir" default:""`
	// How long the dialplan keeps a caller while no controller is there, before it rings the seats itself.
	// Whole seconds, 1s to 1h.
	FallbackAfter duration `yaml:"fallback_after" default:"60s"`
}

type nodeItem struct {
	place
	// The node's name and `systemname`: 1 to 32 lower-case letters, digits or hyphens.
	ID text `yaml:"id" need:"name the node, for example: id: a1"`
	// Where ARI listens: scheme, host and port, for example `http://127.0.0.1:8088`.
	URL text `yaml:"url" need:"write where the node's ARI listens, for example: url: http://127.0.0.1:8088"`
	// The ARI user: 1 to 32 letters, digits or hyphens.
	Username text `yaml:"username" default:"hotline"`
	// Secret file with the ARI user's password.
	PasswordFile text `yaml:"password_file" need:"name the file with the ARI user's password, for example: password_file: secrets/ari.password"`
	// The node's own UDP address:port for SIP; without it that of `asterisk.sip.listen`. Behind a proxy each
	// node has one of its own, with a certain address.
	SIPListen text `yaml:"sip_listen" default:""`
}

type sipSection struct {
	place
	// UDP address:port for carriers and phones, in the configuration that `hotline asterisk-conf` renders.
	Listen text `yaml:"listen" default:"127.0.0.1:5060"`
	// Media ports, first and last; the first is even and at least 1024. A call uses four.
	RTPPorts text `yaml:"rtp_ports" default:"10000-19999"`
}

type proxySection struct {
	place
	// With several nodes: UDP address:port of the SIP proxy (Kamailio) in front of them, at which carriers,
	// phones and nodes reach it. Nodes then take calls from it alone, and phones register there. See
	// [cluster.md](cluster.md).
	Listen text `yaml:"listen" default:""`
	// How many new calls the proxy takes of the carriers in a second, 1 to 10000; further ones are refused
	// with 503.
	Pace number `yaml:"pace" default:"100"`
}

type trunkItem struct {
	place
	// The SIP endpoint's name: 1 to 32 letters, digits or hyphens, not beginning with `seat-`, and not
	// `proxy`.
	Name text `yaml:"name" need:"name the carrier, for example: name: carrier"`
	// List of the carrier's source addresses: address, address:port or CIDR. Calls from elsewhere are refused.
	Match list[text] `yaml:"match" need:"list the carrier's addresses, for example: match: [203.0.113.10]"`
	// SIP URI to which calls for this carrier go, with an address and not a name, for example
	// `sip:203.0.113.10`. Without it the carrier only delivers calls.
	Contact text `yaml:"contact" default:""`
}

type entryItem struct {
	place
	// As the carrier sends it: digits, `+`, `*`, `#`.
	Number text `yaml:"number" need:"write the number that callers dial, for example: number: \"12345\""`
	// The queue that it leads to.
	Queue text `yaml:"queue" need:"name the queue that the number leads to, for example: queue: general"`
	// List of prompts that are played before the queue, in this order. They do not count as waiting.
	Greeting list[text] `yaml:"greeting"`
	// Points, -100 to 100. Each lets its callers be served as if they had waited `priority_worth` longer.
	Priority number `yaml:"priority" default:"0"`
	// What its callers ask of an agent, with the least level: `{english: 3}`. See [Skills](#skills).
	Skills levels `yaml:"skills"`
}

type admissionSection struct {
	place
	// How many new calls a second are taken on, 0.01 to 10000. Left out with the section: all.
	Pace decimal `yaml:"pace" default:""`
	// How many may come at once before the pace counts. 1 to 100000.
	Burst number `yaml:"burst" default:"10"`
	// What the others hear.
	Prompts texts `yaml:"prompts" default:"busy-later"`
}

type shutdownSection struct {
	place
	// How long those on the line are served at the most, up to 4 hours. `0s`: it ends at once.
	Drain duration `yaml:"drain" default:"0s"`
	// What new callers hear meanwhile.
	Prompts texts `yaml:"prompts" default:"busy-later"`
}

type queueItem struct {
	place
	// 1 to 32 lower-case letters, digits or hyphens. It is a label in metrics and figures.
	ID text `yaml:"id" need:"name the queue, for example: id: general"`
	// For people, for example 综合受理.
	Title text `yaml:"title" default:""`
	// Music-on-hold class that waiting callers hear.
	Music text `yaml:"music" default:"default"`
	// How long one agent's phone rings before the call is offered to another (RONA). 1s to 5m.
	RingTimeout duration `yaml:"ring_timeout" default:"15s"`
	// After-call work that follows a conversation. 0s to 1h.
	WrapUp duration `yaml:"wrap_up" default:"10s"`
	// `true` lets the caller hear ringing tone instead of music while an agent's phone rings.
	Ringback yesno `yaml:"ringback" default:"false"`
	// Which of several ready agents is rung; see below.
	Strategy text `yaml:"strategy" default:"longest_idle"`
	// How many phones ring for one caller; who answers first has the call. 1 to 20.
	RingAtOnce number `yaml:"ring_at_once" default:"1"`
	// How long a call is not offered again to an agent who did not take it. 0s to 1h.
	NotAgain duration `yaml:"not_again" default:"30s"`
	// Weighs the queue for agents who serve several. 0.01 to 100; see below.
	Weight decimal `yaml:"weight" default:"1"`
	// The least level in this queue that an agent must have to be rung, 1 to 10; 0: any.
	Level number `yaml:"level" default:"0"`
	// List of steps in which callers who wait ask for less.
	Relax     list[relaxItem]  `yaml:"relax"`
	LastAgent lastAgentSection `yaml:"last_agent"`
	Announce  announceSection  `yaml:"announce"`
	// The calendar with the queue's opening hours. Without it the queue is always open.
	Hours text `yaml:"hours" default:""`
	// List of rules for callers whom the queue cannot or shall not serve, at most 32. The first whose
	// condition holds is followed.
	Overflow list[overflowItem] `yaml:"overflow"`
	Callback callbackSection    `yaml:"callback"`
	Redial   redialSection      `yaml:"redial"`
	Rating   ratingSection      `yaml:"rating"`
}

type relaxItem struct {
	place
	// Of waiting in the queue; each step later than the one before. 1s to 4h.
	After duration `yaml:"after" need:"write after how long a wait callers ask for less, for example: after: 30s"`
	// Replaces `queues.level` from here on; not more than before.
	Level number `yaml:"level" default:""`
	// New levels of the skills that callers ask for, not more than before; 0: no longer asked for.
	Skills levels `yaml:"skills"`
	// List of queues whose agents, of whatever level there, may serve these callers too from here on.
	Queues list[text] `yaml:"queues"`
}

type lastAgentSection struct {
	place
	// Callers are offered first to the agent with whom they talked last, if that was so long ago at most. 1m
	// to 720h. Left out with the section: no such preference.
	Within duration `yaml:"within" default:""`
	// How long they wait for that agent alone, who is at work but not free. 0s to 4h.
	Wait duration `yaml:"wait" default:"0s"`
}

type announceSection struct {
	place
	// After so long a wait callers hear how many are ahead and how long it may take. 1s to 4h. Left out with
	// the section: never.
	After duration `yaml:"after" default:""`
	// And again, 10s to 4h; `0s`: only once.
	Every duration `yaml:"every" default:"60s"`
}

type overflowItem struct {
	place
	// Condition: the queue is closed, by its `hours`.
	Closed yesno `yaml:"closed" default:"false"`
	// Condition: nobody who serves the queue is logged in.
	NoAgents yesno `yaml:"no_agents" default:"false"`
	// Condition: so many callers wait already. 1 to 100000.
	Length number `yaml:"length" default:""`
	// Condition: the expected wait is longer, or nobody can say. 1s to 4h.
	Expected duration `yaml:"expected" default:""`
	// Condition: the caller has waited here so long. 1s to 4h.
	Wait duration `yaml:"wait" default:""`
	// What the caller hears first.
	Prompts texts `yaml:"prompts" default:""`
	// The caller goes to this queue, and the wait so far counts for the place there.
	To text `yaml:"to" default:""`
	// Another hotline is asked to take the caller, who waits on meanwhile; see [Partners](#partners).
	Partner text `yaml:"partner" default:""`
	// The caller waits on, and may book a callback by key; the prompts say how.
	Callback yesno `yaml:"callback" default:"false"`
	// The call ends after the prompts.
	Refuse yesno `yaml:"refuse" default:"false"`
}

type callbackSection struct {
	place
	// How often a caller is called, 1 to 10. Left out with the section: nobody is called back.
	Attempts number `yaml:"attempts" default:""`
	// Time between two attempts. 10s to 24h.
	Spacing duration `yaml:"spacing" default:"10m"`
	// How long the caller's phone rings. 5s to 2m.
	RingTimeout duration `yaml:"ring_timeout" default:"30s"`
	// How long after it was asked for a callback is still made. 1m to 168h, longer than all spacing together,
	// and longer than the queue is closed at a stretch in an ordinary week.
	Within duration `yaml:"within" default:"4h"`
	// `true` also calls back who gave up (漏接电话回拨).
	Missed yesno `yaml:"missed" default:"false"`
	// But only after so long a wait. 0s to 4h.
	MissedAfter duration `yaml:"missed_after" default:"10s"`
	// What is heard when a callback has been booked; `[]` for nothing.
	BookedPrompts texts `yaml:"booked_prompts" default:"callback-booked"`
}

type ratingSection struct {
	place
	// What the caller hears, naming the keys. Left out with the section: nobody is asked.
	Prompts texts `yaml:"prompts" default:""`
	// What is heard at the end, with or without a grade; `[]` for nothing.
	ThanksPrompts texts `yaml:"thanks_prompts" default:"rating-thanks"`
	// How often it is heard, when another key or none is pressed. 1 to 5.
	Attempts number `yaml:"attempts" default:"2"`
	// How long a key is waited for after the prompts. 1s to 1m.
	Timeout duration `yaml:"timeout" default:"5s"`
}

type redialSection struct {
	place
	// Callers who gave up and call again so soon have their former places. 1s to 4h. Left out with the
	// section: no places are kept.
	Within duration `yaml:"within" default:""`
	// How often the same place is taken up again. 1 to 100.
	AtMost number `yaml:"at_most" default:"2"`
	// How long callers must have waited for their places to be kept. 0s to 4h.
	After duration `yaml:"after" default:"10s"`
}

type seatItem struct {
	place
	// A seat: 1 to 32 letters, digits or hyphens. Its SIP endpoint is `seat-<id>`.
	ID text `yaml:"id" default:""`
	// Numbered seats, for example `8001-8040`; both ends have equally many digits.
	Range text `yaml:"range" default:""`
	// SIP URI of a phone with a fixed address, for example `sip:{id}@10.0.0.1:5060`; `{id}` stands for the
	// seat. Without it the phone registers.
	Contact text `yaml:"contact" default:""`
}

type agentItem struct {
	place
	// Work number (工号): 1 to 32 letters, digits or hyphens, not beginning with `to-`. Only digits can be
	// dialled at a phone.
	ID text `yaml:"id" default:""`
	// Numbered agents, for example `1001-1040`.
	Range text `yaml:"range" default:""`
	// For people; `{id}` stands for the work number.
	Name text `yaml:"name" default:"{id}"`
	// List of the queues that the agent serves.
	Queues list[text] `yaml:"queues" need:"name the queues that the agent serves, for example: queues: [general]"`
	// Levels in these queues, 1 to 10: `{business: 4}`. A queue that is not named has 10.
	Levels levels `yaml:"levels"`
	// Skills with their levels, 1 to 10: `{english: 7}`.
	Skills levels `yaml:"skills"`
	// The agent's share where calls go by chance (`weighted_random`). 0.01 to 100.
	Weight decimal `yaml:"weight" default:"1"`
	// Replaces the wrap-up of the queues. 1s to 1h.
	WrapUp duration `yaml:"wrap_up" default:""`
}

type reasonItem struct {
	place
	// 1 to 32 lower-case letters, digits, hyphens or underscores. `login`, `logout`, `rona`, `refused`,
	// `busy`, `unreachable` and `failed` are the program's own.
	Name text `yaml:"name" need:"name the reason, for example: name: break"`
	// For people, for example 小休.
	Title text `yaml:"title" default:""`
	// Digit that is dialled after `*13`.
	Digit text `yaml:"digit" default:""`
}

type partnerItem struct {
	place
	// 1 to 32 lower-case letters, digits or hyphens.
	ID text `yaml:"id" need:"name the partner, for example: id: xuzhou"`
	// For people, for example 徐州12345.
	Title text `yaml:"title" default:""`
	// Dialled over `asterisk.outbound_trunk`: 5 to 15 digits, perhaps after a `+`, and none of the own
	// `entries`.
	Number text `yaml:"number" need:"write the number at which it is called, for example: number: \"051612345\""`
	// How many of our calls may be there at once, ringing or talking. 1 to 10000.
	AtMost number `yaml:"at_most" need:"write how many of our calls it takes at once, for example: at_most: 10"`
	// How long it is rung for one caller. 5s to 2m.
	RingTimeout duration `yaml:"ring_timeout" default:"30s"`
	// How long it is left alone after a call that it did not take. 1s to 1h.
	Rest duration `yaml:"rest" default:"60s"`
	// `true` shows the caller's number there. Otherwise it is the number that was dialled, which needs no
	// agreement with the carrier.
	ShowCaller yesno `yaml:"show_caller" default:"false"`
}

type calendarItem struct {
	place
	// 1 to 32 lower-case letters, digits or hyphens.
	ID text `yaml:"id" need:"name the calendar, for example: id: office"`
	// List of weekdays with their hours. A weekday that is not named is closed.
	Weekly list[weeklyItem] `yaml:"weekly" need:"list the weekdays with their hours, for example: - {days: mon-fri, hours: [\"08:30-12:00\", \"14:00-18:00\"]}"`
	// A list of `holidays` that the calendar keeps.
	Holidays text `yaml:"holidays" default:""`
	// Hours of the holidays, written like weekly hours.
	HolidayHours texts `yaml:"holiday_hours" default:"closed"`
	// The weekday whose hours a make-up working day (调休) follows.
	MakeupFollows text `yaml:"makeup_follows" default:"mon"`
	// List of days with other hours. They win over holidays, and those over the week.
	Exceptions list[exceptionItem] `yaml:"exceptions"`
}

type weeklyItem struct {
	place
	// `sat`, `mon-fri`, or a list of such.
	Days texts `yaml:"days" need:"name the weekdays, for example: days: mon-fri"`
	// `closed`, one period, or a list of periods that do not overlap.
	Hours texts `yaml:"hours" need:"write periods or closed, for example: hours: [\"08:30-12:00\", \"14:00-18:00\"]"`
}

type exceptionItem struct {
	place
	// Year-month-day, for example `2026-02-17`.
	Day text `yaml:"day" need:"name the day, for example: day: 2026-10-01"`
	// Makes the item stand for several days, this one included, at most 366.
	LastDay text `yaml:"last_day" default:""`
	// Written like weekly hours.
	Hours texts `yaml:"hours" need:"write periods or closed, for example: hours: closed"`
}

type holidaysItem struct {
	place
	// Names the list for calendars: 1 to 32 lower-case letters, digits or hyphens.
	ID text `yaml:"id" need:"name the list, for example: id: china"`
	// List of the days. Every other day is a working day from Monday to Friday.
	Days list[holidayItem] `yaml:"days" need:"list the days, for example: - {day: 2026-10-01, last_day: 2026-10-07, name: 国庆节}"`
}

type holidayItem struct {
	place
	// Year-month-day.
	Day text `yaml:"day" need:"name the day, for example: day: 2026-10-01"`
	// Makes the item stand for several days, this one included, at most 366.
	LastDay text `yaml:"last_day" default:""`
	// `holiday`, or `workday` for a day at the weekend that is worked (调休).
	Kind text `yaml:"kind" default:"holiday"`
	// For people, for example 国庆节.
	Name text `yaml:"name" default:""`
}

// The kinds of values.
type (
	text     = value[string]
	number   = value[int]
	decimal  = value[float64]
	yesno    = value[bool]
	duration = value[time.Duration]
)

// place is where in the file something stands.
type place struct {
	line, column int
	wrong        bool // what stands there has been reported
}

func (p *place) setPlace(to place) { *p = to }

// reported is the place of what has been reported: what follows from it is no
// mistake of its own.
func (p place) reported() place {
	p.wrong = true
	return p
}

// same reports whether both are the same spot of the file.
func (p place) same(other place) bool { return p.line == other.line && p.column == other.column }

// value is a scalar and where it stands; without a place of its own (a
// default) it stands where its section does.
type value[T string | int | float64 | bool | time.Duration] struct {
	place
	v   T
	set bool // written in the file
}

// list is a sequence of structures or of values.
type list[T any] struct {
	place
	items []T
	blank bool // written as a list of nothing
}

// texts is a list of texts that may be written without brackets when it holds
// a single one.
type texts struct {
	list[text]
	set bool // written in the file
}

// levels are names with a level each, such as {english: 3}.
type levels struct {
	place
	items []levelOf
	set   bool // written in the file
}

type levelOf struct {
	name  text
	level number
}
