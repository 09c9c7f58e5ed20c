// Command podrunner stands in for a kubelet, a container engine, a CNI plugin
// and (loadbalancer.go) a cloud's load balancer controller.
//
// It registers one Node, binds every unscheduled Pod to it and runs each
// container of a Pod as an ordinary process: the image name is looked up in a
// table of local programs, the process gets its own network namespace (a veth
// on a bridge, one address per Pod), its own root directory holding nothing
// but the program and the Pod's volumes, and its own PID, mount, UTS and IPC
// namespaces. Pod status is then written as a kubelet would, so that the real
// controllers (Deployment, ReplicaSet, EndpointSlice, ...) work unmodified.
//
// Everything it makes hangs off its own process: when podrunner dies the
// kernel kills the containers and removes their namespaces and interfaces.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	coordv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// Image says how a container image is run locally.
type Image struct {
	// Program is an executable on this machine. The container sees it at /NAME.
	Program string `json:"program"`
	// Files are further files that the container sees where they are on this
	// machine: the shared libraries of a program that is not static.
	Files []string `json:"files,omitempty"`
	// Args come before the container's own args.
	Args []string `json:"args,omitempty"`
	// HostRoot gives the container a private, writable view of this machine's
	// whole root directory, for programs that are more than a few files.
	HostRoot bool `json:"hostRoot,omitempty"`
}

type options struct {
	kubeconfig string
	node       string
	nodeIP     string
	bridge     string
	podCIDR    netip.Prefix
	dir        string
	maxGrace   time.Duration    // between a Pod's deletion and SIGKILL
	images     map[string]Image // key: image name without tag or digest
}

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "sandbox": // holds a Pod's namespaces
			sandboxMain(os.Args[2:])
		case "enter": // joins them and becomes the container's program
			enterMain(os.Args[2:])
		}
	}

	var o options
	var cidr, images, lbPool, lbOnRequest, lbUnusable string
	flag.StringVar(&o.kubeconfig, "kubeconfig", os.Getenv("KUBECONFIG"), "kubeconfig file")
	flag.StringVar(&o.node, "node", "node-1", "name of the Node to register")
	flag.StringVar(&o.nodeIP, "node-ip", "", "the Node's InternalIP")
	flag.StringVar(&o.bridge, "bridge", "pods0", "bridge that the Pods' interfaces join")
	flag.StringVar(&cidr, "pod-cidr", "10.244.0.0/16", "Pod addresses; the first one is the bridge's own")
	flag.StringVar(&o.dir, "dir", "", "directory for root directories and logs")
	flag.DurationVar(&o.maxGrace, "max-grace", 30*time.Second, "longest grace period, whatever a Pod asks for")
	flag.StringVar(&images, "images", "", "JSON file: image name -> local program")
	flag.StringVar(&lbPool, "lb-pool", "", "addresses for Services of type LoadBalancer; empty: they stay pending")
	flag.StringVar(&lbOnRequest, "lb-on-request", "", "ranges of -lb-pool given only to a Service that names the address")
	flag.StringVar(&lbUnusable, "lb-unusable", "", "ranges that no Service gets")
	flag.Parse()
	log.SetFlags(log.Ltime | log.Lmicroseconds)

	var err error
	if o.podCIDR, err = netip.ParsePrefix(cidr); err != nil {
		log.Fatal(err)
	}
	raw, err := os.ReadFile(images)
	if err != nil {
		log.Fatal(err)
	}
	if err = json.Unmarshal(raw, &o.images); err != nil {
		log.Fatalf("%s: %v", images, err)
	}
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		log.Fatal(err)
	}
	lb, err := newPool(lbPool, lbOnRequest, lbUnusable)
	if err != nil {
		log.Fatal(err)
	}

	cfg, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	cfg.QPS, cfg.Burst = 200, 400
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		log.Fatal(err)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	clearBridge(o.bridge)
	if err := registerNode(ctx, client, o); err != nil {
		log.Fatalf("node: %v", err)
	}
	if err := serveKubelet(ctx, o, kubeletPort); err != nil {
		log.Fatalf("kubelet port: %v", err)
	}
	go keepLease(ctx, client, o.node)

	r := newRunner(client, o)
	f := informers.NewSharedInformerFactory(client, 0)
	_, _ = f.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { r.observe(ctx, obj.(*corev1.Pod)) },
		UpdateFunc: func(_, obj any) { r.observe(ctx, obj.(*corev1.Pod)) },
		DeleteFunc: func(obj any) {
			if d, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = d.Obj
			}
			r.forget(obj.(*corev1.Pod))
		},
	})
	if lb != nil {
		go newBalancer(client, f, lb).run(ctx)
	}
	f.Start(ctx.Done())
	log.Printf("node %s ready, %d images known", o.node, len(o.images))
	<-ctx.Done()
	r.stopAll()
}

// kubeletPort is where the API server asks the Node for container logs.
const kubeletPort = 10250

// registerNode creates or refreshes the Node object.
func registerNode(ctx context.Context, client kubernetes.Interface, o options) error {
	nodes := client.CoreV1().Nodes()
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: o.node,
		Labels: map[string]string{
			corev1.LabelHostname:   o.node,
			corev1.LabelOSStable:   "linux",
			corev1.LabelArchStable: "amd64",
		},
	}}
	if _, err := nodes.Create(ctx, n, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	// Admission taints every new Node as not ready; without the node lifecycle
	// controller nothing would take that off again.
	patch := []byte(`{"spec":{"taints":null}}`)
	if _, err := nodes.Patch(ctx, o.node, "application/merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
		return err
	}
	got, err := nodes.Get(ctx, o.node, metav1.GetOptions{})
	if err != nil {
		return err
	}
	now := metav1.Now()
	room := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("64"),
		corev1.ResourceMemory: resource.MustParse("64Gi"),
		corev1.ResourcePods:   resource.MustParse("1000"),
	}
	got.Status.Capacity, got.Status.Allocatable = room, room
	got.Status.Conditions = []corev1.NodeCondition{{
		Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "PodrunnerReady",
		LastHeartbeatTime: now, LastTransitionTime: now,
	}}
	got.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: o.node}}
	if o.nodeIP != "" {
		got.Status.Addresses = append(got.Status.Addresses,
			corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: o.nodeIP})
	}
	got.Status.NodeInfo.KubeletVersion = "podrunner"
	got.Status.DaemonEndpoints.KubeletEndpoint.Port = kubeletPort
	_, err = nodes.UpdateStatus(ctx, got, metav1.UpdateOptions{})
	return err
}

// keepLease renews the Node's heartbeat Lease.
func keepLease(ctx context.Context, client kubernetes.Interface, node string) {
	seconds := int32(40)
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		leases := client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
		now := metav1.NowMicro()
		l, err := leases.Get(ctx, node, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			_, err = leases.Create(ctx, &coordv1.Lease{
				ObjectMeta: metav1.ObjectMeta{Name: node},
				Spec: coordv1.LeaseSpec{
					HolderIdentity: &node, LeaseDurationSeconds: &seconds, RenewTime: &now},
			}, metav1.CreateOptions{})
		} else if err == nil {
			l.Spec.RenewTime = &now
			_, err = leases.Update(ctx, l, metav1.UpdateOptions{})
		}
		if err != nil && ctx.Err() == nil {
			log.Printf("lease: %v", err)
		}
	}, 10*time.Second)
}

func fatalf(format string, a ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", a...)
	os.Exit(127)
}
