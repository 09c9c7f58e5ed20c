package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

type runner struct {
	client kubernetes.Interface
	o      options

	mu   sync.Mutex
	pods map[types.UID]*podWorker
	used map[netip.Addr]bool
	next netip.Addr
	wg   sync.WaitGroup
}

// podWorker runs one Pod from start to deletion.
type podWorker struct {
	r      *runner
	pod    *corev1.Pod // as first seen; the spec is immutable in what matters
	addr   netip.Addr
	box    *exec.Cmd
	stop   chan time.Duration // asks for the end, with the grace period
	grace  time.Duration      // between SIGTERM and SIGKILL; set before done is closed
	once   sync.Once
	mu     sync.Mutex
	status map[string]*containerState
}

type containerState struct {
	ready    bool
	restarts int32
	state    corev1.ContainerState
	last     corev1.ContainerState
}

func newRunner(c kubernetes.Interface, o options) *runner {
	first := o.podCIDR.Masked().Addr().Next() // the bridge's own address
	return &runner{client: c, o: o, pods: map[types.UID]*podWorker{},
		used: map[netip.Addr]bool{}, next: first.Next()}
}

// observe reacts to one version of a Pod.
func (r *runner) observe(ctx context.Context, p *corev1.Pod) {
	if p.Spec.NodeName == "" {
		if p.DeletionTimestamp == nil {
			go r.bind(ctx, p)
		}
		return
	}
	if p.Spec.NodeName != r.o.node {
		return
	}
	r.mu.Lock()
	w := r.pods[p.UID]
	if w == nil && p.DeletionTimestamp == nil &&
		p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed {
		w = &podWorker{r: r, pod: p.DeepCopy(), stop: make(chan time.Duration, 1), status: map[string]*containerState{}}
		r.pods[p.UID] = w
		r.wg.Add(1)
		go w.run(ctx)
	}
	r.mu.Unlock()
	if p.DeletionTimestamp == nil {
		return
	}
	if w == nil { // left over from an earlier podrunner: nothing runs
		go r.finalDelete(p)
		return
	}
	grace := 30 * time.Second
	if p.DeletionGracePeriodSeconds != nil {
		grace = time.Duration(*p.DeletionGracePeriodSeconds) * time.Second
	}
	w.end(grace)
}

// forget reacts to a Pod object that is gone (forced deletion).
func (r *runner) forget(p *corev1.Pod) {
	r.mu.Lock()
	w := r.pods[p.UID]
	r.mu.Unlock()
	if w != nil {
		w.end(0)
	}
}

func (w *podWorker) end(grace time.Duration) {
	w.once.Do(func() { w.stop <- grace })
}

func (r *runner) stopAll() {
	r.mu.Lock()
	for _, w := range r.pods {
		w.end(0)
	}
	r.mu.Unlock()
	r.wg.Wait()
}

// bind does the scheduler's part.
func (r *runner) bind(ctx context.Context, p *corev1.Pod) {
	err := r.client.CoreV1().Pods(p.Namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace, UID: p.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: r.o.node},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		log.Printf("%s/%s: bind: %v", p.Namespace, p.Name, err)
	}
}

// finalDelete takes the Pod object away once nothing of it runs.
func (r *runner) finalDelete(p *corev1.Pod) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	zero := int64(0)
	err := r.client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &zero, Preconditions: &metav1.Preconditions{UID: &p.UID}})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		log.Printf("%s/%s: delete: %v", p.Namespace, p.Name, err)
	}
}

// takeAddr gives out a Pod address, if possible the one the Pod had before
// (podrunner was restarted): a Pod's address never changes.
func (r *runner) takeAddr(before string) (netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a, err := netip.ParseAddr(before); err == nil && r.o.podCIDR.Contains(a) && !r.used[a] {
		r.used[a] = true
		return a, nil
	}
	for tries := 0; tries < 1<<16; tries++ {
		a := r.next
		r.next = a.Next()
		if !r.o.podCIDR.Contains(r.next.Next()) { // wrap, and never use the broadcast address
			r.next = r.o.podCIDR.Masked().Addr().Next().Next()
		}
		if !r.used[a] {
			r.used[a] = true
			return a, nil
		}
	}
	return netip.Addr{}, errors.New("no Pod address left")
}

func (w *podWorker) name() string { return w.pod.Namespace + "/" + w.pod.Name }

func (w *podWorker) dir() string { return filepath.Join(w.r.o.dir, "pods", string(w.pod.UID)) }

func (w *podWorker) run(ctx context.Context) {
	defer w.r.wg.Done()
	var err error
	h := fnv.New32a()
	h.Write([]byte(w.pod.UID))
	link := fmt.Sprintf("p%08x", h.Sum32())
	if w.addr, err = w.r.takeAddr(w.pod.Status.PodIP); err == nil {
		w.box, err = startSandbox(w.r.o, link, w.pod.Name, w.addr.String())
	}
	done := make(chan struct{})
	var all sync.WaitGroup
	if err != nil {
		log.Printf("%s: sandbox: %v", w.name(), err)
	} else {
		for i := range w.pod.Spec.Containers {
			c := &w.pod.Spec.Containers[i]
			w.status[c.Name] = &containerState{}
			_ = os.Remove(w.r.o.logFile(w.pod.Namespace, w.pod.Name, c.Name)) // of an earlier Pod of this name
		}
		for i := range w.pod.Spec.Containers {
			all.Add(1)
			go func() {
				defer all.Done()
				w.keepRunning(ctx, &w.pod.Spec.Containers[i], done)
			}()
		}
	}

	grace := <-w.stop
	w.mu.Lock()
	for _, s := range w.status {
		s.ready = false
	}
	w.mu.Unlock()
	w.report() // not ready any more: out of the EndpointSlices
	w.grace = min(grace, w.r.o.maxGrace)
	close(done)
	all.Wait()
	if w.box != nil {
		// Without this, sockets still closing could keep the namespace, and so
		// the interface and the address, for minutes.
		_ = exec.Command("ip", "link", "del", link).Run()
		_ = w.box.Process.Kill()
		_ = w.box.Wait()
	}
	_ = os.RemoveAll(w.dir())
	w.r.finalDelete(w.pod)
	w.r.mu.Lock()
	delete(w.r.used, w.addr)
	delete(w.r.pods, w.pod.UID)
	w.r.mu.Unlock()
}

// keepRunning starts a container again and again until done is closed.
func (w *podWorker) keepRunning(ctx context.Context, c *corev1.Container, done <-chan struct{}) {
	st := w.status[c.Name]
	pause := time.Second
	for {
		began := time.Now()
		code, err := w.runOnce(ctx, c, st, done)
		select {
		case <-done:
			return
		default:
		}
		reason := "Error"
		if err == nil && code == 0 {
			reason = "Completed"
		}
		w.mu.Lock()
		st.ready = false
		if err != nil {
			log.Printf("%s: %s: %v", w.name(), c.Name, err)
			st.state = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
				Reason: "CreateContainerError", Message: err.Error()}}
		} else {
			log.Printf("%s: %s: exit %d", w.name(), c.Name, code)
			st.last = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ExitCode: int32(code), Reason: reason,
				StartedAt: metav1.NewTime(began), FinishedAt: metav1.Now()}}
			st.state = st.last
		}
		never := w.pod.Spec.RestartPolicy == corev1.RestartPolicyNever ||
			(w.pod.Spec.RestartPolicy == corev1.RestartPolicyOnFailure && err == nil && code == 0)
		if !never && err == nil {
			st.restarts++
			st.state = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
		}
		w.mu.Unlock()
		w.report()
		if never && err == nil {
			return
		}
		if err != nil || time.Since(began) > 10*time.Second {
			pause = time.Second // a volume's Secret may be there soon; a long run is no crash loop
		}
		select {
		case <-done:
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, 10*time.Second)
	}
}

// runOnce runs a container's program to its end.
func (w *podWorker) runOnce(ctx context.Context, c *corev1.Container, st *containerState, done <-chan struct{}) (int, error) {
	img, ok := w.r.o.images[imageName(c.Image)]
	if !ok {
		return 0, fmt.Errorf("no local program for image %s", c.Image)
	}
	root := filepath.Join(w.dir(), c.Name, "root")
	env, err := w.environment(ctx, c)
	if err != nil {
		return 0, err
	}
	binds, err := w.volumes(ctx, c, root, img.HostRoot)
	if err != nil {
		return 0, err
	}
	args := append([]string{"enter", "-sandbox", fmt.Sprint(w.box.Process.Pid)}, w.confinement(c)...)
	program := img.Program
	if img.HostRoot {
		args = append(args, "-overlay", filepath.Join(w.dir(), c.Name, "overlay"))
	} else {
		if err := w.prepareRoot(root); err != nil {
			return 0, err
		}
		program = "/" + filepath.Base(img.Program)
		args = append(args, "-root", root, "-file", img.Program+":"+program)
		for _, f := range append([]string{"/dev/null", "/dev/urandom"}, img.Files...) {
			args = append(args, "-file", f+":"+f)
		}
	}
	for _, b := range binds {
		args = append(args, "-bind", b)
	}
	if c.WorkingDir != "" {
		args = append(args, "-dir", c.WorkingDir)
	}
	argv := append([]string{program}, img.Args...)
	if len(c.Command) > 0 {
		argv = slices.Clone(c.Command)
	}
	argv = append(argv, c.Args...)
	vars := map[string]string{}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		vars[name] = value
	}
	for i := range argv {
		argv[i] = expansion.Expand(argv[i], expansion.MappingFuncFor(vars))
	}
	args = append(append(args, "--"), argv...)

	logFile := w.r.o.logFile(w.pod.Namespace, w.pod.Name, c.Name)
	if err := os.MkdirAll(filepath.Dir(logFile), 0o755); err != nil {
		return 0, err
	}
	out, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = env
	cmd.Stdout = &lineWriter{to: out}
	cmd.Stderr = cmd.Stdout
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
		Setpgid:    true,
	}
	if err := startOn(cmd); err != nil {
		return 0, err
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()

	w.mu.Lock()
	st.state = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}
	st.ready = c.ReadinessProbe == nil
	w.mu.Unlock()
	w.report()
	probing, stopProbing := context.WithCancel(ctx)
	defer stopProbing()
	if c.ReadinessProbe != nil {
		go w.probe(probing, c, st)
	}

	select {
	case <-exited:
	case <-done:
		limit := time.After(w.grace)
		if l := c.Lifecycle; l != nil && l.PreStop != nil && l.PreStop.Sleep != nil {
			select { // the grace period includes it
			case <-exited:
			case <-time.After(min(w.grace, time.Duration(l.PreStop.Sleep.Seconds)*time.Second)):
			}
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-exited:
		case <-limit:
			_ = cmd.Process.Kill()
			<-exited
		}
	}
	return cmd.ProcessState.ExitCode(), nil
}

// prepareRoot fills in what every container finds in its root directory.
func (w *podWorker) prepareRoot(root string) error {
	for _, d := range []string{"tmp", "etc"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			return err
		}
	}
	if err := os.Chmod(filepath.Join(root, "tmp"), 0o1777); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"hosts":       fmt.Sprintf("127.0.0.1 localhost\n%s %s\n", w.addr, w.pod.Name),
		"resolv.conf": "# there is no cluster DNS\n",
		"passwd":      "root:x:0:0::/:\nnonroot:x:65532:65532::/:\n",
	} {
		if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// confinement is what of the security contexts is carried out: the user, the
// groups and a read-only root directory. The container's goes before the Pod's.
func (w *podWorker) confinement(c *corev1.Container) []string {
	var args []string
	var user, group *int64
	var groups []int64
	if p := w.pod.Spec.SecurityContext; p != nil {
		user, group, groups = p.RunAsUser, p.RunAsGroup, p.SupplementalGroups
		if p.FSGroup != nil {
			groups = append(groups[:len(groups):len(groups)], *p.FSGroup)
		}
	}
	if s := c.SecurityContext; s != nil {
		if s.RunAsUser != nil {
			user = s.RunAsUser
		}
		if s.RunAsGroup != nil {
			group = s.RunAsGroup
		}
		if s.ReadOnlyRootFilesystem != nil && *s.ReadOnlyRootFilesystem {
			args = append(args, "-read-only")
		}
	}
	if user != nil {
		args = append(args, "-user", fmt.Sprint(*user))
	}
	if group != nil {
		args = append(args, "-group", fmt.Sprint(*group))
	}
	for _, g := range groups {
		args = append(args, "-groups", fmt.Sprint(g))
	}
	return args
}

// probe keeps a container's readiness as its probe says.
func (w *podWorker) probe(ctx context.Context, c *corev1.Container, st *containerState) {
	p := c.ReadinessProbe
	period := time.Duration(max(p.PeriodSeconds, 1)) * time.Second
	timeout := time.Duration(max(p.TimeoutSeconds, 1)) * time.Second
	wait := time.Duration(p.InitialDelaySeconds)*time.Second + 100*time.Millisecond
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		ok := w.probeOnce(ctx, c, timeout)
		w.mu.Lock()
		changed := ok != st.ready
		st.ready = ok
		w.mu.Unlock()
		if changed && ctx.Err() == nil {
			w.report()
		}
		if wait = period; !ok {
			wait = min(period, time.Second) // a start is noticed soon
		}
	}
}

func (w *podWorker) probeOnce(ctx context.Context, c *corev1.Container, timeout time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	p := c.ReadinessProbe
	port := func(v string, n int32) string {
		for _, cp := range c.Ports {
			if v != "" && cp.Name == v {
				n = cp.ContainerPort
			}
		}
		return net.JoinHostPort(w.addr.String(), fmt.Sprint(n))
	}
	switch {
	case p.HTTPGet != nil:
		scheme := strings.ToLower(string(p.HTTPGet.Scheme))
		if scheme == "" {
			scheme = "http"
		}
		req, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("%s://%s%s", scheme,
			port(p.HTTPGet.Port.StrVal, p.HTTPGet.Port.IntVal), p.HTTPGet.Path), nil)
		if err != nil {
			return false
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode >= 200 && resp.StatusCode < 400
	case p.TCPSocket != nil || p.GRPC != nil:
		at := ""
		if p.GRPC != nil { // only that something listens
			at = port("", p.GRPC.Port)
		} else {
			at = port(p.TCPSocket.Port.StrVal, p.TCPSocket.Port.IntVal)
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", at)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	}
	return true // exec probes are not run
}

// report writes the Pod's status as a kubelet would.
func (w *podWorker) report() {
	w.mu.Lock()
	now := metav1.Now()
	ready, running, failed, ended := true, 0, 0, 0
	var cs []corev1.ContainerStatus
	for _, c := range w.pod.Spec.Containers {
		st := w.status[c.Name]
		started := st.state.Running != nil
		cs = append(cs, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, ImageID: "local://" + imageName(c.Image),
			ContainerID: "podrunner://" + string(w.pod.UID) + "/" + c.Name,
			Ready:       st.ready, Started: &started, RestartCount: st.restarts,
			State: st.state, LastTerminationState: st.last,
		})
		ready = ready && st.ready
		if started {
			running++
		}
		if t := st.state.Terminated; t != nil {
			ended++
			if t.ExitCode != 0 {
				failed++
			}
		}
	}
	w.mu.Unlock()

	phase := corev1.PodPending
	switch {
	case ended == len(cs) && failed > 0:
		phase = corev1.PodFailed
	case ended == len(cs):
		phase = corev1.PodSucceeded
	case running > 0:
		phase = corev1.PodRunning
	}
	yes := func(b bool) corev1.ConditionStatus {
		if b {
			return corev1.ConditionTrue
		}
		return corev1.ConditionFalse
	}
	cond := func(t corev1.PodConditionType, b bool) corev1.PodCondition {
		return corev1.PodCondition{Type: t, Status: yes(b), LastTransitionTime: now}
	}
	status := corev1.PodStatus{
		Phase: phase, PodIP: w.addr.String(), PodIPs: []corev1.PodIP{{IP: w.addr.String()}},
		HostIP: w.r.o.nodeIP, StartTime: &now, ContainerStatuses: cs,
		Conditions: []corev1.PodCondition{
			cond(corev1.PodInitialized, true), cond(corev1.ContainersReady, ready), cond(corev1.PodReady, ready)},
	}
	if w.r.o.nodeIP != "" {
		status.HostIPs = []corev1.HostIP{{IP: w.r.o.nodeIP}}
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": w.pod.UID}, "status": status})
	if err != nil {
		log.Printf("%s: status: %v", w.name(), err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err = w.r.client.CoreV1().Pods(w.pod.Namespace).Patch(ctx, w.pod.Name,
		types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		log.Printf("%s: status: %v", w.name(), err)
	}
}

// imageName takes tag and digest off an image reference.
func imageName(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	if i := strings.LastIndex(ref, ":"); i > strings.LastIndex(ref, "/") {
		ref = ref[:i]
	}
	return ref
}
