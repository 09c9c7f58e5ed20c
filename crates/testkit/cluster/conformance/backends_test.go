package conformance

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientset "k8s.io/client-go/kubernetes"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	restconfig "sigs.k8s.io/controller-runtime/pkg/client/config"

	pb "sigs.k8s.io/gateway-api-conformance-images/echo-basic/grpcechoserver"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/conformance"
	"sigs.k8s.io/gateway-api/conformance/utils/config"
	cgrpc "sigs.k8s.io/gateway-api/conformance/utils/grpc"
	"sigs.k8s.io/gateway-api/conformance/utils/http"
	"sigs.k8s.io/gateway-api/conformance/utils/kubernetes"
	"sigs.k8s.io/gateway-api/conformance/utils/roundtripper"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/conformance/utils/tcp"
	ctls "sigs.k8s.io/gateway-api/conformance/utils/tls"
	"sigs.k8s.io/gateway-api/conformance/utils/udp"
	cws "sigs.k8s.io/gateway-api/conformance/utils/websocket"
)

const infra = suite.InfrastructureNamespace

// TestBackends checks the backends of the suite's base manifests directly, with
// no gateway: every protocol, by the suite's own client code. It wants a cluster
// with the CRDs and without the suite's namespaces.
func TestBackends(t *testing.T) {
	cfg, err := restconfig.GetConfig()
	require.NoError(t, err)
	scheme := runtime.NewScheme()
	require.NoError(t, clientscheme.AddToScheme(scheme))
	require.NoError(t, gatewayv1.Install(scheme))
	c, err := client.New(cfg, client.Options{Scheme: scheme})
	require.NoError(t, err)
	cs, err := clientset.NewForConfig(cfg)
	require.NoError(t, err)

	timeouts := config.DefaultTimeoutConfig()
	timeouts.MaxTimeToConsistency = 10 * time.Second

	// The same objects as the suite's set-up; its Gateways get no answer here.
	apply := kubernetes.Applier{ManifestFS: []fs.FS{&conformance.Manifests}, GatewayClass: "none"}
	apply.MustApplyWithCleanup(t, c, timeouts, "base/manifests.yaml", true)
	caMap, ca, caKey := kubernetes.MustCreateCACertConfigMap(t, infra, "tls-checks-ca-certificate")
	apply.MustApplyObjectsWithCleanup(t, c, timeouts, []client.Object{
		caMap,
		kubernetes.MustCreateCASignedCertSecret(t, infra, "tls-checks-certificate", []string{"abc.example.com", "other.example.com"}, ca, caKey),
		kubernetes.MustCreateCASignedClientCertSecret(t, infra, "tls-checks-client-certificate", ca, caKey),
		kubernetes.MustCreateCASignedCertSecret(t, infra, "tls-passthrough-checks-certificate", []string{"abc.example.com"}, ca, caKey),
		kubernetes.MustCreateCASignedCertSecret(t, suite.AppBackendNamespace, "tls-passthrough-checks-certificate", []string{"abc.example.com"}, ca, caKey),
	}, true)
	apply.MustApplyWithCleanup(t, c, timeouts, "tests/gateway-tls-backend-client-certificate.yaml", true)
	apply.MustApplyWithCleanup(t, c, timeouts, "tests/httproute-retry-connection-error.yaml", true)
	caPEM := []byte(caMap.Data["ca.crt"])
	clientCert, clientKey, err := kubernetes.GetTLSSecret(c, types.NamespacedName{Namespace: infra, Name: "tls-checks-client-certificate"})
	require.NoError(t, err)

	const want = 23 + 1 + 2
	var ready []corev1.Pod
	start := time.Now()
	require.Eventually(t, func() bool {
		var pods corev1.PodList
		ready = nil
		if err := c.List(t.Context(), &pods); err != nil {
			return false
		}
		for _, p := range pods.Items {
			for _, k := range p.Status.Conditions {
				if k.Type == corev1.PodReady && k.Status == corev1.ConditionTrue {
					ready = append(ready, p)
				}
			}
		}
		return len(ready) == want && len(pods.Items) == want
	}, time.Minute, 100*time.Millisecond, "not all Pods ready")
	t.Logf("%d Pods ready after %v", len(ready), time.Since(start).Round(time.Millisecond))

	at := func(t *testing.T, port string, labels ...string) string { // labels: key, value, ...
		t.Helper()
	next:
		for _, p := range ready {
			for i := 0; i < len(labels); i += 2 {
				if p.Labels[labels[i]] != labels[i+1] {
					continue next
				}
			}
			if p.Namespace == infra {
				return net.JoinHostPort(p.Status.PodIP, port)
			}
		}
		t.Fatalf("no Pod labelled %v", labels)
		return ""
	}
	rt := &roundtripper.DefaultRoundTripper{TimeoutConfig: timeouts}
	send := func(t *testing.T, addr string, e http.ExpectedResponse) (*roundtripper.CapturedRequest, *roundtripper.CapturedResponse, time.Duration, error) {
		start := time.Now()
		req := http.MakeRequest(t, &e, addr, "HTTP", "http")
		got, res, err := rt.CaptureRoundTrip(req)
		if err == nil {
			err = http.CompareRoundTrip(t, &req, got, res, e)
		}
		return got, res, time.Since(start), err
	}

	t.Run("HTTP", func(t *testing.T) {
		got, res, _, err := send(t, at(t, "3000", "app", "infra-backend-v1"), http.ExpectedResponse{
			Request:                   http.Request{Host: "h.example:8080", Method: "POST", Path: "/a/../b//c%2Fd?q=1&r=%20", Body: "body", Headers: map[string]string{"X-Some": "thing<&>"}},
			ExpectedRequest:           &http.ExpectedRequest{Request: http.Request{Host: "h.example:8080", Method: "POST", Path: "/a/../b//c%252Fd?q=1&r=%20", Headers: map[string]string{"X-Some": "thing<&>"}}, HTTPPort: "3000"},
			BackendSetResponseHeaders: map[string]string{"X-One": "1", "X-Two": "a:b"},
			Response:                  http.Response{Headers: map[string]string{"X-One": "1", "X-Two": "a:b"}, Protocol: "HTTP/1.1"},
			Backend:                   "infra-backend-v1-", Namespace: infra,
		})
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1", got.Protocol)
		require.Zero(t, got.TLS)
		require.Equal(t, []string{"application/json"}, res.Headers["Content-Type"])
	})
	t.Run("Delay", func(t *testing.T) {
		_, _, took, err := send(t, at(t, "3000", "app", "infra-backend-v1"), http.ExpectedResponse{Request: http.Request{Path: "/?delay=1s"}, Namespace: infra})
		require.NoError(t, err)
		require.InDelta(t, 1, took.Seconds(), 0.2)
	})
	t.Run("Retry", func(t *testing.T) {
		q := url.Values{"uuid": {t.Name()}, "responseCode": {"503"}, "succeedAfter": {"2"}, "delayRetry": {"300ms"}, "delay": {"100ms"}}
		for i, status := range []int{503, 503, 200, 200} {
			_, _, took, err := send(t, at(t, "3000", "app", "infra-backend-v3"), http.ExpectedResponse{
				Request: http.Request{Path: "/retry/x?" + q.Encode()}, Response: http.Response{StatusCode: status}, Namespace: infra})
			require.NoError(t, err, "request %d", i)
			require.InDelta(t, map[int]float64{503: .3, 200: .1}[status], took.Seconds(), 0.08)
		}
	})
	t.Run("ConnectionError", func(t *testing.T) {
		_, err := net.DialTimeout("tcp", at(t, "3000", "app", "infra-backend-connection-error", "variant", "broken"), time.Second)
		require.ErrorContains(t, err, "connection refused")
		_, _, _, err = send(t, at(t, "3000", "app", "infra-backend-connection-error", "variant", "healthy"), http.ExpectedResponse{
			Request: http.Request{Path: "/"}, Backend: "infra-backend-connection-error-healthy", Namespace: infra})
		require.NoError(t, err)
	})
	t.Run("H2C", func(t *testing.T) {
		h2c := http.Request{Path: "/", Protocol: roundtripper.H2CPriorKnowledgeProtocol}
		got, _, _, err := send(t, at(t, "3001", "app", "infra-backend-v1"), http.ExpectedResponse{Request: h2c, Response: http.Response{Protocol: "HTTP/2.0"}, Namespace: infra})
		require.NoError(t, err)
		require.Equal(t, "HTTP/2.0", got.Protocol)
		require.Equal(t, "3001", got.HTTPPort)
		_, _, _, err = send(t, at(t, "3001", "app", "infra-backend-v1"), http.ExpectedResponse{Request: http.Request{Path: "/"}, Namespace: infra})
		require.Error(t, err, "HTTP/1.1 on the h2c port")
		_, _, _, err = send(t, at(t, "3000", "app", "infra-backend-v1"), http.ExpectedResponse{Request: h2c, Namespace: infra})
		require.Error(t, err, "h2c on the HTTP/1.1 port")
	})
	t.Run("Mirror", func(t *testing.T) {
		e := http.ExpectedResponse{Request: http.Request{Path: "/mirror?x=(1)"}, Namespace: infra}
		require.NoError(t, e.AddRequestIDQueryParam("id-1"))
		_, _, _, err := send(t, at(t, "3000", "app", "infra-backend-v2"), e)
		require.NoError(t, err)
		http.ExpectMirroredRequest(t, c, cs, []http.MirroredBackend{{BackendRef: http.BackendRef{Name: "infra-backend-v2", Namespace: infra}}}, e.Request.Path, timeouts)()
	})
	t.Run("TLS", func(t *testing.T) {
		addr := at(t, "8443", "app", "tls-backend")
		e := http.ExpectedResponse{
			Request: http.Request{Host: "abc.example.com", Path: "/", SNI: "abc.example.com"},
			Backend: "tls-backend-", Namespace: infra,
		}
		ctls.MakeTLSRequestAndExpectEventuallyConsistentResponse(t, rt, timeouts, addr, caPEM, nil, nil, "abc.example.com", e)
		for protocol, alpn := range map[string]string{roundtripper.HTTPSProtocol: "", roundtripper.H2Protocol: "h2"} {
			req := http.MakeRequest(t, &e, addr, protocol, "https")
			req.Protocol, req.ServerName, req.ServerCertificate = protocol, "abc.example.com", caPEM
			got, _, err := rt.CaptureRoundTrip(req)
			require.NoError(t, err)
			require.Equal(t, roundtripper.TLS{Version: "TLS 1.3", ServerName: "abc.example.com", NegotiatedProtocol: alpn, CipherSuite: "TLS_AES_128_GCM_SHA256"}, got.TLS)
			require.Equal(t, "8443", got.HTTPPort)
		}
	})
	t.Run("ClientCertificate", func(t *testing.T) {
		addr := at(t, "8443", "app", "tls-backend-with-client-cert-validation")
		e := http.ExpectedResponse{Request: http.Request{Host: "abc.example.com", Path: "/", ClientCert: string(clientCert)}, Namespace: infra}
		ctls.MakeTLSRequestAndExpectEventuallyConsistentResponse(t, rt, timeouts, addr, caPEM, clientCert, clientKey, "abc.example.com", e)
		ctls.MakeTLSRequestAndExpectEventuallyConsistentFailureResponse(t, rt, timeouts, addr, caPEM, nil, nil, "abc.example.com", e)
	})
	t.Run("GRPC", func(t *testing.T) {
		for _, e := range []cgrpc.ExpectedResponse{{EchoRequest: &pb.EchoRequest{}}, {EchoTwoRequest: &pb.EchoRequest{}}, {EchoThreeRequest: &pb.EchoRequest{}}} {
			e.Backend, e.Namespace, e.Response.Code = "grpc-infra-backend-v2-", infra, codes.OK
			cgrpc.MakeRequestAndExpectEventuallyConsistentResponse(t, nil, timeouts, at(t, "3000", "app", "grpc-infra-backend-v2"), e)
		}
	})
	t.Run("GRPCTLS", func(t *testing.T) {
		roots := x509.NewCertPool()
		require.True(t, roots.AppendCertsFromPEM(caPEM))
		conn, err := grpc.NewClient(at(t, "8443", "app", "grpc-infra-backend-v1"),
			grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: "abc.example.com"})), grpc.WithAuthority("abc.example.com"))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(t.Context(), "x-key", "v1", "x-key", "v2"), 5*time.Second)
		defer cancel()
		r, err := pb.NewGrpcEchoClient(conn).Echo(ctx, &pb.EchoRequest{})
		require.NoError(t, err)
		a := r.GetAssertions()
		require.Equal(t, "abc.example.com", a.GetAuthority())
		require.Equal(t, "abc.example.com", a.GetTls().GetServerName())
		require.Equal(t, "h2", a.GetTls().GetNegotiatedProtocol())
		var got []string
		for _, h := range a.GetHeaders() {
			if h.GetKey() == "x-key" {
				got = append(got, h.GetValue())
			}
		}
		require.Equal(t, []string{"v1", "v2"}, got)
	})
	t.Run("TCP", func(t *testing.T) {
		tcp.MakeTCPRequestAndExpectEventuallyValidResponse(t, timeouts, at(t, "3000", "app", "tcp-backend"), nil, "", false,
			tcp.ExpectedResponse{Backend: "tcp-backend", Namespace: infra})
		tcp.ExpectEchoResponse(t, timeouts, at(t, "3000", "app", "tcp-backend"))
	})
	t.Run("TCPTLS", func(t *testing.T) {
		tcp.MakeTCPRequestAndExpectEventuallyValidResponse(t, timeouts, at(t, "8443", "app", "tcp-backend"), caPEM, "abc.example.com", true,
			tcp.ExpectedResponse{BackendIsTLS: true, Backend: "tcp-backend", Namespace: infra, TLSProtocol: "TLS 1.3", Hostname: "abc.example.com"})
	})
	t.Run("UDP", func(t *testing.T) {
		udp.ExpectEchoResponseFromBackend(t, timeouts, at(t, "8080", "app", "udp"), udp.ExpectedResponse{Service: "udp-echo", Namespace: infra})
	})
	t.Run("WebSocket", func(t *testing.T) {
		ws, err := (&cws.DefaultDialer{}).Dial("ws://"+at(t, "3000", "app", "infra-backend-v1")+"/ws", "", "ws://gateway/x")
		require.NoError(t, err)
		defer ws.Close()
		var text string
		require.NoError(t, websocket.Message.Send(ws, "text"))
		require.NoError(t, websocket.Message.Receive(ws, &text))
		require.Equal(t, "text", text)
		sent, got := bytes.Repeat([]byte{0, 0xff}, 100_000), []byte(nil)
		require.NoError(t, websocket.Message.Send(ws, sent))
		withKind := websocket.Codec{Unmarshal: func(data []byte, kind byte, _ any) error {
			require.Equal(t, byte(websocket.BinaryFrame), kind)
			got = data
			return nil
		}}
		require.NoError(t, withKind.Receive(ws, nil))
		require.Equal(t, sent, got)
	})
}
