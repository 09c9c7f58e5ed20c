package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Pod's sandbox is a process that does nothing but own the Pod's network,
// IPC and UTS namespaces. It starts inside them (clone flags), waits until
// podrunner has moved an interface in, then configures it.
func sandboxMain(args []string) {
	fs := flag.NewFlagSet("sandbox", flag.ExitOnError)
	addr := fs.String("addr", "", "address")
	gw := fs.String("gateway", "", "default gateway")
	host := fs.String("hostname", "", "host name")
	_ = fs.Parse(args)

	var buf [1]byte
	if _, err := os.Stdin.Read(buf[:]); err != nil { // the interface is in place
		fatalf("sandbox: %v", err)
	}
	_ = unix.Sethostname([]byte(*host))
	// A container may bind any port, whatever user it runs as.
	_ = os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0)
	// Everything, other Pods too, is reached by way of the node: what a Pod sends
	// to another by a Service's address must come back through the node's
	// conntrack, or the answer would bear the wrong source address.
	for _, c := range [][]string{
		{"link", "set", "lo", "up"},
		{"addr", "add", *addr + "/32", "dev", "eth0"},
		{"link", "set", "eth0", "up"},
		{"route", "add", *gw, "dev", "eth0", "scope", "link"},
		{"route", "add", "default", "via", *gw},
	} {
		if out, err := exec.Command("ip", c...).CombinedOutput(); err != nil {
			fatalf("sandbox: ip %s: %v: %s", strings.Join(c, " "), err, out)
		}
	}
	fmt.Println("ready")
	sig := make(chan os.Signal, 1)
	signal.Notify(sig, syscall.SIGTERM, syscall.SIGINT)
	<-sig
	os.Exit(0)
}

// clearBridge removes interfaces that an earlier podrunner left on the bridge.
func clearBridge(bridge string) {
	out, _ := exec.Command("ip", "-o", "link", "show", "master", bridge).Output()
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) > 1 {
			name, _, _ := strings.Cut(f[1], "@")
			_ = exec.Command("ip", "link", "del", name).Run()
		}
	}
}

// startSandbox makes the namespaces of one Pod and connects them to the bridge.
func startSandbox(o options, link, host, addr string) (*exec.Cmd, error) {
	gw := o.podCIDR.Masked().Addr().Next().String()
	cmd := exec.Command("/proc/self/exe", "sandbox",
		"-addr", addr, "-gateway", gw, "-hostname", host)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Pdeathsig:  syscall.SIGKILL,
		Setpgid:    true,
	}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := startOn(cmd); err != nil {
		return nil, err
	}
	fail := func(err error) (*exec.Cmd, error) {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, err
	}
	for _, c := range []string{
		fmt.Sprintf("link add %s type veth peer name eth0 netns %d", link, cmd.Process.Pid),
		fmt.Sprintf("link set %s master %s up", link, o.bridge),
	} {
		if b, err := exec.Command("ip", strings.Fields(c)...).CombinedOutput(); err != nil {
			return fail(fmt.Errorf("ip %s: %w: %s", c, err, b))
		}
	}
	if _, err := in.Write([]byte{'\n'}); err != nil {
		return fail(err)
	}
	buf := make([]byte, 16)
	if n, err := out.Read(buf); err != nil || !strings.HasPrefix(string(buf[:n]), "ready") {
		return fail(fmt.Errorf("sandbox did not come up: %v", err))
	}
	return cmd, nil
}

// enterMain joins a sandbox's namespaces, changes the root directory and
// becomes the container's program. It runs on one thread: exec keeps the
// namespaces of the thread that calls it.
func enterMain(args []string) {
	runtime.LockOSThread()
	fs := flag.NewFlagSet("enter", flag.ExitOnError)
	pid := fs.Int("sandbox", 0, "process that owns the namespaces")
	root := fs.String("root", "", "directory to become the root")
	overlay := fs.String("overlay", "", "instead of -root: where to build a private view of the machine's root")
	dir := fs.String("dir", "/", "working directory")
	user := fs.Int("user", 0, "user to become")
	group := fs.Int("group", 0, "group to become")
	readOnly := fs.Bool("read-only", false, "make the root directory read-only")
	var groups []int
	fs.Func("groups", "further group", func(s string) error {
		g, err := strconv.Atoi(s)
		groups = append(groups, g)
		return err
	})
	var binds []bind
	add := func(file bool) func(string) error {
		return func(s string) error {
			src, dst, _ := strings.Cut(s, ":")
			binds = append(binds, bind{src: src, dst: dst, file: file})
			return nil
		}
	}
	fs.Func("bind", "SRC:DST, directory SRC to mount at DST below the root, in this container only", add(false))
	fs.Func("file", "SRC:DST, file SRC to mount read-only at DST below the root", add(true))
	_ = fs.Parse(args)
	argv := fs.Args()

	for _, ns := range []struct {
		name string
		flag int
	}{{"net", unix.CLONE_NEWNET}, {"ipc", unix.CLONE_NEWIPC}, {"uts", unix.CLONE_NEWUTS}} {
		f, err := os.Open(fmt.Sprintf("/proc/%d/ns/%s", *pid, ns.name))
		if err != nil {
			fatalf("enter: %v", err)
		}
		if err := unix.Setns(int(f.Fd()), ns.flag); err != nil {
			fatalf("enter: setns %s: %v", ns.name, err)
		}
		f.Close()
	}
	// This process already has a mount namespace of its own (clone flag).
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		fatalf("enter: private mounts: %v", err)
	}
	if *overlay != "" {
		var err error
		if *root, err = overlayRoot(*overlay); err != nil {
			fatalf("enter: %v", err)
		}
	}
	// The sources are opened now, the targets resolved after chroot, so that a
	// symbolic link on the way (/var/run -> /run) stays inside the new root.
	for i := range binds {
		fd, err := unix.Open(binds[i].src, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			fatalf("enter: %s: %v", binds[i].src, err)
		}
		binds[i].fd = fd
	}
	// A mount of its own, which -read-only can change.
	if err := unix.Mount(*root, *root, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		fatalf("enter: root: %v", err)
	}
	_ = os.MkdirAll(filepath.Join(*root, "proc"), 0o555)
	if err := unix.Mount("proc", filepath.Join(*root, "proc"), "proc", 0, ""); err != nil {
		fatalf("enter: proc: %v", err)
	}
	if err := unix.Chroot(*root); err != nil {
		fatalf("enter: chroot: %v", err)
	}
	for _, b := range binds {
		if err := b.mount(); err != nil {
			fatalf("enter: bind %s: %v", b.dst, err)
		}
	}
	if *readOnly {
		if err := unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
			fatalf("enter: read-only root: %v", err)
		}
	}
	if err := errors.Join(syscall.Setgroups(groups), syscall.Setgid(*group), syscall.Setuid(*user)); err != nil {
		fatalf("enter: user %d: %v", *user, err)
	}
	// Becoming another user has cleared it, and the container must end with podrunner.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		fatalf("enter: %v", err)
	}
	if err := unix.Chdir(*dir); err != nil {
		fatalf("enter: chdir %s: %v", *dir, err)
	}
	fatalf("enter: %s: %v", argv[0], unix.Exec(argv[0], argv, os.Environ()))
}

// bind is a directory or, read-only, a file of this machine that a container sees.
type bind struct {
	src, dst string
	file     bool
	fd       int // of src, from before chroot
}

// mount is called after chroot.
func (b bind) mount() error {
	dir := b.dst
	if b.file {
		dir = filepath.Dir(b.dst)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	flags := uintptr(unix.MS_BIND | unix.MS_REC)
	if b.file {
		f, err := os.OpenFile(b.dst, os.O_CREATE|os.O_RDONLY, 0o755)
		if err != nil {
			return err
		}
		f.Close()
		flags = unix.MS_BIND
	}
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", b.fd), b.dst, "", flags, ""); err != nil || !b.file {
		return err
	}
	return unix.Mount("", b.dst, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
}

// overlayRoot builds, in this mount namespace only, a private writable view of
// the machine's root directory and returns its path. Writes go to a tmpfs.
func overlayRoot(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
		return "", err
	}
	up, work, root := filepath.Join(dir, "up"), filepath.Join(dir, "work"), filepath.Join(dir, "root")
	for _, d := range []string{up, work, root} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return "", err
		}
	}
	opts := fmt.Sprintf("lowerdir=/,upperdir=%s,workdir=%s", up, work)
	if err := unix.Mount("overlay", root, "overlay", 0, opts); err != nil {
		return "", fmt.Errorf("overlay: %w", err)
	}
	for _, d := range []string{"/dev", "/sys"} {
		if err := unix.Mount(d, filepath.Join(root, d), "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return "", err
		}
	}
	return root, nil
}

// starts is served by one locked thread: Pdeathsig fires when the *thread*
// that forked the child ends, and that thread must live as long as podrunner.
var starts = make(chan func())

func init() {
	go func() {
		runtime.LockOSThread()
		for f := range starts {
			f()
		}
	}()
}

// startOn starts a command from the long-lived thread.
func startOn(cmd *exec.Cmd) error {
	done := make(chan error)
	starts <- func() { done <- cmd.Start() }
	return <-done
}
