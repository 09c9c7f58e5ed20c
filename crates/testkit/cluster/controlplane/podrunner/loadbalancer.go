package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// wantAddress asks for a particular load balancer address, as does the older
// field spec.loadBalancerIP; the annotation goes first.
const wantAddress = "testkit.sluicegate.dev/load-balancer-ip"

// pool holds the addresses that load balancers get.
type pool struct {
	all       netip.Prefix   // every address but the first and the last
	onRequest []netip.Prefix // parts of it that are given only to who names the address
	unusable  []netip.Prefix // refused, though they may lie inside
	owner     map[netip.Addr]types.NamespacedName
	last      netip.Addr // given out last: the longest free one comes next
}

// Reasons for not giving an address, as Event reasons.
const (
	addrInvalid  = "AddressInvalid"
	addrUnusable = "AddressNotUsable"
	addrTaken    = "AddressInUse"
	addrNone     = "NoAddressLeft"
)

type addressError struct{ reason, message string }

func (e *addressError) Error() string { return e.message }

func within(a netip.Addr, in []netip.Prefix) bool {
	return slices.ContainsFunc(in, func(p netip.Prefix) bool { return p.Contains(a) })
}

func (p *pool) usable(a netip.Addr) bool {
	return p.all.Contains(a) && p.all.Contains(a.Next()) && a != p.all.Masked().Addr() && !within(a, p.unusable)
}

// take gives svc the wanted address, or if want is empty any one: the one that
// it has already, else a free one.
func (p *pool) take(svc types.NamespacedName, want string) (netip.Addr, error) {
	if want != "" {
		a, err := netip.ParseAddr(want)
		if err != nil {
			return a, &addressError{addrInvalid, fmt.Sprintf("%q is no IP address", want)}
		}
		if !p.usable(a) {
			return a, &addressError{addrUnusable, fmt.Sprintf("address %s is not one of the load balancers' (%s)", a, p.all)}
		}
		if o, ok := p.owner[a]; ok && o != svc {
			return a, &addressError{addrTaken, fmt.Sprintf("address %s belongs to Service %s", a, o)}
		}
		p.owner[a] = svc
		return a, nil
	}
	for a, o := range p.owner {
		if o == svc {
			return a, nil
		}
	}
	a := p.last
	for range 1 << (p.all.Addr().BitLen() - p.all.Bits()) {
		if a = a.Next(); !p.all.Contains(a) {
			a = p.all.Masked().Addr()
		}
		if _, taken := p.owner[a]; !taken && p.usable(a) && !within(a, p.onRequest) {
			p.owner[a], p.last = svc, a
			return a, nil
		}
	}
	return a, &addressError{addrNone, fmt.Sprintf("no address of %s is free", p.all)}
}

// free takes back every address of svc except keep (which may be invalid).
func (p *pool) free(svc types.NamespacedName, keep netip.Addr) {
	for a, o := range p.owner {
		if o == svc && a != keep {
			delete(p.owner, a)
		}
	}
}

// balancer is the cloud provider's part for Services of type LoadBalancer: it
// owns nothing but the addresses. kube-proxy makes each one lead to the Pods.
type balancer struct {
	client kubernetes.Interface
	list   corelisters.ServiceLister
	synced cache.InformerSynced
	queue  workqueue.TypedRateLimitingInterface[types.NamespacedName]
	pool   *pool
}

func newBalancer(c kubernetes.Interface, f informers.SharedInformerFactory, p *pool) *balancer {
	svcs := f.Core().V1().Services()
	b := &balancer{client: c, list: svcs.Lister(), pool: p,
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[types.NamespacedName]())}
	add := func(obj any) {
		if d, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = d.Obj
		}
		if s, ok := obj.(*corev1.Service); ok {
			b.queue.Add(types.NamespacedName{Namespace: s.Namespace, Name: s.Name})
		}
	}
	h, _ := svcs.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: add, UpdateFunc: func(_, obj any) { add(obj) }, DeleteFunc: add})
	b.synced = h.HasSynced
	return b
}

// run is the only goroutine that touches the pool.
func (b *balancer) run(ctx context.Context) {
	if !cache.WaitForCacheSync(ctx.Done(), b.synced) {
		return
	}
	all, _ := b.list.List(labels.Everything())
	for _, s := range all { // what Services have by an earlier run is theirs
		if ours(s) {
			for _, in := range s.Status.LoadBalancer.Ingress {
				a, err := b.pool.take(nameOf(s), in.IP)
				if err == nil && b.pool.last.Less(a) && !within(a, b.pool.onRequest) {
					b.pool.last = a
				}
			}
		}
	}
	go func() { <-ctx.Done(); b.queue.ShutDown() }()
	for {
		key, quit := b.queue.Get()
		if quit {
			return
		}
		err := b.sync(ctx, key)
		var ae *addressError
		switch {
		case err == nil:
			b.queue.Forget(key)
		case errors.As(err, &ae): // an address may be released any time
			b.queue.Forget(key)
			b.queue.AddAfter(key, time.Second)
		case ctx.Err() == nil:
			if !apierrors.IsConflict(err) {
				log.Printf("service %s: %v", key, err)
			}
			b.queue.AddRateLimited(key)
		}
		b.queue.Done(key)
	}
}

func nameOf(s *corev1.Service) types.NamespacedName {
	return types.NamespacedName{Namespace: s.Namespace, Name: s.Name}
}

// ours: another class is another load balancer's business.
func ours(s *corev1.Service) bool {
	return s.Spec.Type == corev1.ServiceTypeLoadBalancer && s.Spec.LoadBalancerClass == nil
}

func wanted(s *corev1.Service) string {
	if a := s.Annotations[wantAddress]; a != "" {
		return a
	}
	return s.Spec.LoadBalancerIP
}

func (b *balancer) sync(ctx context.Context, key types.NamespacedName) error {
	s, err := b.list.Services(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		b.pool.free(key, netip.Addr{})
		return nil
	} else if err != nil {
		return err
	}
	if s.DeletionTimestamp != nil {
		return nil // the address is its own until the object is gone
	}
	have := ""
	if in := s.Status.LoadBalancer.Ingress; len(in) == 1 {
		have = in[0].IP
	}
	if !ours(s) {
		if s.Spec.Type != corev1.ServiceTypeLoadBalancer && have != "" {
			if err := b.setStatus(ctx, s, nil); err != nil {
				return err
			}
		}
		b.pool.free(key, netip.Addr{})
		return nil
	}

	addr, err := b.pool.take(key, wanted(s))
	if err != nil {
		b.event(ctx, s, err)
		if have != "" {
			if e := b.setStatus(ctx, s, nil); e != nil {
				return e
			}
		}
		b.pool.free(key, netip.Addr{})
		return err
	}
	if have == addr.String() {
		b.pool.free(key, addr)
		return nil
	}
	vip := corev1.LoadBalancerIPModeVIP
	if err := b.setStatus(ctx, s, []corev1.LoadBalancerIngress{{IP: addr.String(), IPMode: &vip}}); err != nil {
		return err
	}
	b.pool.free(key, addr)
	log.Printf("service %s: address %s", key, addr)
	return nil
}

func (b *balancer) setStatus(ctx context.Context, s *corev1.Service, in []corev1.LoadBalancerIngress) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": s.UID, "resourceVersion": s.ResourceVersion},
		"status":   map[string]any{"loadBalancer": map[string]any{"ingress": in}}})
	if err != nil {
		return err
	}
	_, err = b.client.CoreV1().Services(s.Namespace).Patch(ctx, s.Name,
		types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// event says why a Service has no address: one Event per Service and reason,
// written anew only when the message changes.
func (b *balancer) event(ctx context.Context, s *corev1.Service, why error) {
	var ae *addressError
	if !errors.As(why, &ae) {
		return
	}
	events := b.client.CoreV1().Events(s.Namespace)
	now := metav1.Now()
	e := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: strings.ToLower(s.Name + "." + ae.reason + "." + string(s.UID)[:8])},
		InvolvedObject: corev1.ObjectReference{APIVersion: "v1", Kind: "Service",
			Namespace: s.Namespace, Name: s.Name, UID: s.UID, ResourceVersion: s.ResourceVersion},
		Reason: ae.reason, Message: ae.message, Type: corev1.EventTypeWarning, Count: 1,
		FirstTimestamp: now, LastTimestamp: now, Source: corev1.EventSource{Component: "service-load-balancer"},
	}
	got, err := events.Get(ctx, e.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		_, err = events.Create(ctx, e, metav1.CreateOptions{})
		log.Printf("service %s: %s: %s", nameOf(s), ae.reason, ae.message)
	case err == nil && got.Message != ae.message:
		e.ResourceVersion, e.Count, e.FirstTimestamp = got.ResourceVersion, got.Count+1, got.FirstTimestamp
		_, err = events.Update(ctx, e, metav1.UpdateOptions{})
		log.Printf("service %s: %s: %s", nameOf(s), ae.reason, ae.message)
	}
	if err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) {
		log.Printf("service %s: event: %v", nameOf(s), err)
	}
}

// prefixes reads a comma-separated list of address ranges.
func prefixes(list string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for s := range strings.SplitSeq(list, ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, err
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// newPool reads the flags; an empty range means that there is no load balancer.
func newPool(all, onRequest, unusable string) (*pool, error) {
	if all == "" {
		return nil, nil
	}
	p := &pool{owner: map[netip.Addr]types.NamespacedName{}}
	var err error
	if p.all, err = netip.ParsePrefix(all); err != nil {
		return nil, err
	}
	p.all = p.all.Masked()
	p.last = p.all.Addr()
	if p.onRequest, err = prefixes(onRequest); err != nil {
		return nil, err
	}
	p.unusable, err = prefixes(unusable)
	return p, err
}
