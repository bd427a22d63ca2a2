package devstack

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// Ports that listen are taken below the kernel's ephemeral range (32768 to
// 60999), so that no outgoing connection takes one between the look and its use.
// Media has the range below, in blocks; two instances may share a block, as
// Asterisk passes over ports that are in use.
const (
	firstListenPort, lastListenPort = 30000, 32767
	firstMediaPort, mediaBlock      = 10000, 5000
	mediaBlocks                     = (firstListenPort - firstMediaPort) / mediaBlock
)

// tries bounds how often another port is chosen after one was taken by somebody
// else between our look and the child's start.
const tries = 5

var errNoPort = errors.New("no free port between 30000 and 32767 on this machine")

// freePort finds a port of addr that is free for both TCP and UDP right now.
func freePort(addr netip.Addr) (uint16, error) {
	for range 200 {
		port := uint16(firstListenPort + mathrand.IntN(lastListenPort-firstListenPort+1))
		at := netip.AddrPortFrom(addr, port)
		tcp, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
		if err != nil {
			continue
		}
		udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		tcp.Close()
		if err != nil {
			continue
		}
		udp.Close()
		return port, nil
	}
	return 0, errNoPort
}

// MediaPorts chooses a block of ports for RTP, both ends included.
func MediaPorts() (start, end uint16) {
	start = uint16(firstMediaPort + mediaBlock*mathrand.IntN(mediaBlocks))
	return start, start + mediaBlock - 1
}

// keptPassword returns the password in path, which it makes (192 random bits,
// readable by the owner only) if there is none yet, so that an instance that is
// started again in its folder keeps its password.
func keptPassword(path string) (string, error) {
	if b, err := os.ReadFile(path); err == nil {
		if password := strings.TrimSpace(string(b)); password != "" {
			return password, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read password: %w", err)
	}
	random := make([]byte, 24)
	rand.Read(random) // never fails
	password := base64.RawURLEncoding.EncodeToString(random)
	return password, writePassword(path, password)
}

func writePassword(path, password string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write password: %w", err)
	}
	if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
		return fmt.Errorf("write password: %w", err)
	}
	return nil
}

// FreePorts finds n different ports of 127.0.0.1 that are free for TCP and UDP.
func FreePorts(n int) ([]uint16, error) {
	seen := make(map[uint16]bool)
	var ports []uint16
	for tries := 0; len(ports) < n; tries++ {
		port, err := freePort(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
		if err != nil || tries > 100*n {
			return nil, errNoPort
		}
		if !seen[port] {
			seen[port] = true
			ports = append(ports, port)
		}
	}
	return ports, nil
}

// FreePortAt finds a port of addr that is free for TCP and UDP.
func FreePortAt(addr netip.Addr) (uint16, error) { return freePort(addr) }
