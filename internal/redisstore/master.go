package redisstore

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Sentinel says which masters there are: the store uses the one with this name.
type Sentinel struct {
	Master    string
	Addresses []string // of the Sentinels, host:port
	Username  string   // these two are for the Sentinels themselves
	Password  string
}

// All keys of a site are in one slot, so that also with a cluster one server has
// them: the master of that slot. A client that knows only this one keeps what the
// writer relies on. A pipeline goes to one server over one connection, nothing is
// redirected or sent again past what was sent before, and commands without a key
// (TIME, INFO) ask the server that has the data. With Sentinel it is the same but for
// who is asked. go-redis' own clients for both do less: that for a cluster sends what
// has no key to any node and asks for the nodes anew once a minute, that for Sentinel
// believes the one Sentinel that it knows, which may be cut off with the old master.

const (
	// askTimeout bounds how long one Sentinel or node is waited for.
	askTimeout = 500 * time.Millisecond
	// followEvery is how long a former master may go on to be used that still answers.
	followEvery = time.Second
	// slots of a Redis cluster.
	slots = 16384
)

// seeker dials the master, which it asks for each time, and closes the connections to
// a former one.
type seeker struct {
	configured []string
	ask        func(ctx context.Context, address string) (sighting, error)
	tls        *tls.Config // nil: without

	mu     sync.Mutex
	nodes  []string                 // guarded by mu; of a cluster, as the last answer names them
	conns  map[*masterConn]struct{} // guarded by mu
	master string                   // guarded by mu; the last one found
}

// sighting is what one Sentinel or node says.
type sighting struct {
	master string // host:port
	epoch  int64  // of the configuration that says so; the highest is the newest
	nodes  []string
}

// find asks all at once. Who is cut off with an old master has an older epoch, so more
// than half are waited for, or as many as answer in time.
func (k *seeker) find(ctx context.Context) (string, error) {
	k.mu.Lock()
	addresses := slices.Clone(k.configured)
	for _, node := range k.nodes {
		if !slices.Contains(addresses, node) {
			addresses = append(addresses, node)
		}
	}
	k.mu.Unlock()
	ctx, stop := context.WithTimeout(ctx, askTimeout)
	defer stop()
	type answer struct {
		sighting
		err error
	}
	answers := make(chan answer, len(addresses))
	for _, address := range addresses {
		go func() {
			seen, err := k.ask(ctx, address)
			answers <- answer{seen, err}
		}()
	}
	best, answered := sighting{epoch: -1}, 0
	var failures []error
wait:
	for range addresses {
		select {
		case a := <-answers:
			if a.err != nil {
				failures = append(failures, a.err)
				continue
			}
			if answered++; a.epoch > best.epoch {
				best = a.sighting
			}
			if answered > len(addresses)/2 {
				break wait
			}
		case <-ctx.Done():
			failures = append(failures, ctx.Err())
			break wait
		}
	}
	if answered == 0 {
		return "", errors.Join(failures...)
	}
	k.moveTo(best)
	return best.master, nil
}

// moveTo closes the connections to any other master than this.
func (k *seeker) moveTo(seen sighting) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.nodes, k.master = seen.nodes, seen.master
	for conn := range k.conns {
		if conn.master != seen.master {
			_ = conn.TCPConn.Close()
			delete(k.conns, conn)
		}
	}
}

// follow asks now and then, until ctx is done, for a master that is cut off from the
// others, and not from here, does not say so.
func (k *seeker) follow(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, followEvery)
		_, _ = k.find(ctx) // an error is told by what is written
	}
}

// leave closes all connections, so that the next command asks for the master.
func (k *seeker) leave() { k.moveTo(sighting{}) }

func (k *seeker) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	master, err := k.find(ctx)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: dialTimeout}
	raw, err := d.DialContext(ctx, "tcp", master)
	if err != nil {
		return nil, err
	}
	conn := &masterConn{raw.(*net.TCPConn), k, master}
	k.mu.Lock()
	if k.master != master {
		k.mu.Unlock()
		_ = raw.Close()
		return nil, fmt.Errorf("%s is the master no more", master)
	}
	k.conns[conn] = struct{}{}
	k.mu.Unlock()
	if k.tls == nil {
		return conn, nil
	}
	secure := tls.Client(conn, tlsFor(k.tls, master))
	handshake, stop := context.WithTimeout(ctx, dialTimeout)
	defer stop()
	if err := secure.HandshakeContext(handshake); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

// tlsFor expects the certificate of the host, unless one name is configured for all.
func tlsFor(config *tls.Config, address string) *tls.Config {
	if config == nil || config.ServerName != "" {
		return config
	}
	config = config.Clone()
	config.ServerName, _, _ = net.SplitHostPort(address)
	return config
}

// masterConn is a connection that its seeker may close.
type masterConn struct {
	*net.TCPConn
	seeker *seeker
	master string
}

func (c *masterConn) Close() error {
	c.seeker.mu.Lock()
	delete(c.seeker.conns, c)
	c.seeker.mu.Unlock()
	return c.TCPConn.Close()
}

// The seeker is also a hook of the client: an answer that only another than the
// master gives ends the connections.
var _ redis.Hook = (*seeker)(nil)

func (k *seeker) DialHook(next redis.DialHook) redis.DialHook { return next }

func (k *seeker) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if fromElsewhere(err) {
			k.leave()
		}
		return err
	}
}

func (k *seeker) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		if fromElsewhere(err) || slices.ContainsFunc(cmds, func(c redis.Cmder) bool { return fromElsewhere(c.Err()) }) {
			k.leave()
		}
		return err
	}
}

func fromElsewhere(err error) bool {
	return redis.HasErrorPrefix(err, "MOVED") || redis.HasErrorPrefix(err, "READONLY")
}

// askSentinel asks one Sentinel.
func askSentinel(o Options) func(context.Context, string) (sighting, error) {
	return func(ctx context.Context, address string) (seen sighting, err error) {
		c := redis.NewSentinelClient(asking(o, address, o.Sentinel.Username, o.Sentinel.Password))
		defer c.Close()
		// The epoch first: if the master changes between the two questions, its
		// epoch is the lower one, and another's answer is preferred.
		state, err := c.Master(ctx, o.Sentinel.Master).Result()
		if err != nil {
			return seen, fmt.Errorf("Sentinel at %s, asked for the master %s: %w", address, o.Sentinel.Master, plain(err))
		}
		master, err := c.GetMasterAddrByName(ctx, o.Sentinel.Master).Result()
		if err != nil || len(master) != 2 {
			return seen, fmt.Errorf("Sentinel at %s, asked for the master %s: %w", address, o.Sentinel.Master, plain(err))
		}
		seen.master = net.JoinHostPort(master[0], master[1])
		seen.epoch, _ = strconv.ParseInt(state["config-epoch"], 10, 64)
		return seen, nil
	}
}

// askNode asks one node of a cluster who has the slot of a key.
func askNode(o Options, key string) func(context.Context, string) (sighting, error) {
	slot := slotOf(key)
	return func(ctx context.Context, address string) (sighting, error) {
		c := redis.NewClient(asking(o, address, o.Username, o.Password))
		defer c.Close()
		text, err := c.ClusterNodes(ctx).Result()
		if err != nil {
			if redis.IsAuthError(err) {
				return sighting{}, err
			}
			return sighting{}, fmt.Errorf("node %s: %w", address, plain(err))
		}
		seen := slotMaster(text, slot, address)
		if seen.master == "" {
			return seen, fmt.Errorf("node %s: no node has slot %d", address, slot)
		}
		return seen, nil
	}
}

// plain makes an answer of who was asked for the master no answer of the master.
func plain(err error) error {
	var answered redis.Error
	if errors.As(err, &answered) {
		return errors.New(err.Error())
	}
	return err
}

// asking are the options of a connection for one question.
func asking(o Options, address, username, password string) *redis.Options {
	return &redis.Options{
		Addr: address, Username: username, Password: password, TLSConfig: tlsFor(o.TLS, address),
		MaxRetries: -1, DialerRetries: 1, PoolSize: 1, PipelinePoolSize: -1,
		DialTimeout: askTimeout, ReadTimeout: askTimeout, WriteTimeout: askTimeout, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		DisableIdentity:          true,
	}
}

// slotMaster reads the answer of CLUSTER NODES, which the node at asked has given:
//
//	id ip:port@busport[,hostname] flags master pinged answered epoch link slot slot-slot ...
func slotMaster(text string, slot int, asked string) (seen sighting) {
	host, _, _ := net.SplitHostPort(asked)
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 8 || strings.Contains(fields[2], "noaddr") || strings.Contains(fields[2], "handshake") {
			continue
		}
		address, _, _ := strings.Cut(fields[1], "@")
		at := strings.LastIndex(address, ":")
		if at < 0 {
			continue
		}
		// A node that does not know its own address is the one that was asked.
		address = net.JoinHostPort(cmp.Or(address[:at], host), address[at+1:])
		seen.nodes = append(seen.nodes, address)
		flags := strings.Split(fields[2], ",")
		if slices.Contains(flags, "master") && slices.ContainsFunc(fields[8:], func(s string) bool { return holdsSlot(s, slot) }) {
			seen.master = address
			seen.epoch, _ = strconv.ParseInt(fields[6], 10, 64)
		}
	}
	return seen
}

func holdsSlot(field string, slot int) bool {
	first, last, isRange := strings.Cut(field, "-")
	if !isRange {
		last = first
	}
	from, err := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	return err == nil && err2 == nil && from <= slot && slot <= to // a slot on its way stands in brackets, too
}

// slotOf is the slot of a key with a hash tag: CRC16 (XMODEM) of the tag; see
// redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec.
func slotOf(key string) int {
	if _, rest, found := strings.Cut(key, "{"); found {
		if tag, _, found := strings.Cut(rest, "}"); found && tag != "" {
			key = tag
		}
	}
	var crc uint16
	for _, b := range []byte(key) {
		crc ^= uint16(b) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % slots
}
