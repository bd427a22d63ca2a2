package nethost

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ErrNotPermitted says that this process may not make networks.
var ErrNotPermitted = errors.New("networks of hosts need root, or CAP_SYS_ADMIN and CAP_NET_ADMIN")

// ErrNotIsolated says that [Isolate] was not called at the start, or failed.
var ErrNotIsolated = errors.New("the process is in the network of the machine, where nothing may be changed")

// mark is in the environment of a process that Isolate has started anew: the name of the
// namespace that it came from.
const mark = "HOTLINE_NET_BEFORE"

// own is the path of the calling thread's network namespace.
const own = "/proc/thread-self/ns/net"

var isolated bool // set by Isolate, before there are other goroutines

// Isolate starts the program anew, with the same arguments and process id, in a network
// of its own in which there is loopback only, and returns nil there. It is called first
// in main, or in TestMain: what was opened or changed before is lost. When it returns an error,
// the process is where it was: [ErrNotPermitted] when it may not do that.
func Isolate() error {
	here, err := os.Readlink(own)
	if err != nil {
		return fmt.Errorf("isolate: %w", err)
	}
	if before := os.Getenv(mark); before != "" && before != here {
		isolated = true
		return os.Unsetenv(mark)
	}
	runtime.LockOSThread()
	home, err := os.Open(own)
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("isolate: %w", err)
	}
	defer home.Close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("isolate: %w", notPermitted(err))
	}
	if err = prepare(); err == nil {
		err = os.Setenv(mark, here)
	}
	if err == nil {
		err = syscall.Exec("/proc/self/exe", os.Args, os.Environ()) // returns only if it fails
	}
	_ = os.Unsetenv(mark)
	err = fmt.Errorf("isolate: %w", notPermitted(err))
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		return errors.Join(err, fmt.Errorf("isolate: go back: %w", back)) // the thread stays locked
	}
	runtime.UnlockOSThread()
	return err
}

// prepare brings loopback up in the calling thread's new namespace, and tries whether
// the kernel has what a network of hosts is made of.
func prepare() error {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	if err := loopback(h); err != nil {
		return err
	}
	for _, link := range []netlink.Link{
		&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "try"}},
		&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "try"}, PeerName: "try-too"},
	} {
		if err := h.LinkAdd(link); err != nil {
			return fmt.Errorf("make a %s: %w", link.Type(), err)
		}
		if err := h.LinkDel(link); err != nil {
			return fmt.Errorf("remove a %s: %w", link.Type(), err)
		}
	}
	return nil
}

func loopback(h *netlink.Handle) error {
	lo, err := h.LinkByName("lo")
	if err == nil {
		err = h.LinkSetUp(lo)
	}
	if err != nil {
		return fmt.Errorf("bring loopback up: %w", err)
	}
	return nil
}

func notPermitted(err error) error {
	if errors.Is(err, os.ErrPermission) { // EPERM and EACCES
		return fmt.Errorf("%w (%w)", ErrNotPermitted, err)
	}
	return err
}
