// An authorization service: `authz GRPC-ADDR HTTP-ADDR [CERT KEY]`, gRPC with TLS if there is a certificate. It speaks Envoy's ext_authz in the messages that Envoy itself generates,
// and plain HTTP.
//
// Whoever has the header `x-token: good` may pass and is `x-user: alice`; others get 401. What was asked comes back in `x-seen`,
// as JSON. A path with `/auth-fails` fails, one with `/auth-hangs` takes ten seconds, one with `/auth-login` is redirected.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	kind "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	rpc "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

type seen struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Host    string            `json:"host"`
	Scheme  string            `json:"scheme"`
	Body    string            `json:"body"`
	Size    int64             `json:"size"`
	Source  string            `json:"source"`
	Headers map[string]string `json:"headers"`
}

func (s seen) json() string {
	text, _ := json.Marshal(s)
	return string(text)
}

type server struct {
	auth.UnimplementedAuthorizationServer
}

func set(key, value string) *core.HeaderValueOption {
	return &core.HeaderValueOption{Header: &core.HeaderValue{Key: key, Value: value}}
}

func (server) Check(_ context.Context, in *auth.CheckRequest) (*auth.CheckResponse, error) {
	request := in.GetAttributes().GetRequest().GetHttp()
	what := seen{
		Method: request.GetMethod(), Path: request.GetPath(), Host: request.GetHost(), Scheme: request.GetScheme(),
		Body: request.GetBody() + string(request.GetRawBody()), Size: request.GetSize(), Headers: request.GetHeaders(),
		Source: in.GetAttributes().GetSource().GetAddress().GetSocketAddress().GetAddress(),
	}
	switch {
	case strings.Contains(what.Path, "/auth-fails"):
		return nil, status.Error(codes.Unavailable, "as asked")
	case strings.Contains(what.Path, "/auth-hangs"):
		time.Sleep(10 * time.Second)
	case what.Headers["x-token"] == "good":
		more := set("x-role", "reader")
		more.Append = wrapperspb.Bool(true)
		return &auth.CheckResponse{Status: &rpc.Status{}, HttpResponse: &auth.CheckResponse_OkResponse{OkResponse: &auth.OkHttpResponse{
			Headers:                 []*core.HeaderValueOption{set("x-user", "alice"), set("x-seen", what.json()), set("host", "evil"), more},
			HeadersToRemove:         []string{"x-token"},
			ResponseHeadersToAdd:    []*core.HeaderValueOption{set("x-checked", "yes")},
			QueryParametersToSet:    []*core.QueryParameter{{Key: "user", Value: "alice"}},
			QueryParametersToRemove: []string{"secret"},
		}}}, nil
	}
	return &auth.CheckResponse{Status: &rpc.Status{Code: int32(codes.PermissionDenied)}, HttpResponse: &auth.CheckResponse_DeniedResponse{
		DeniedResponse: &auth.DeniedHttpResponse{
			Status:  &kind.HttpStatus{Code: kind.StatusCode_Unauthorized},
			Headers: []*core.HeaderValueOption{set("www-authenticate", "Bearer"), set("x-seen", what.json())},
			Body:    "who are you?",
		},
	}}, nil
}

func answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	what := seen{Method: r.Method, Path: r.RequestURI, Host: r.Host, Body: string(body), Size: r.ContentLength, Headers: map[string]string{}}
	for name, values := range r.Header {
		what.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	w.Header().Set("x-seen", what.json())
	switch {
	case strings.Contains(r.RequestURI, "/auth-fails"):
		w.WriteHeader(http.StatusInternalServerError)
	case strings.Contains(r.RequestURI, "/auth-hangs"):
		time.Sleep(10 * time.Second)
	case strings.Contains(r.RequestURI, "/auth-login"):
		w.Header().Set("set-cookie", "state=1")
		http.Redirect(w, r, "https://login.example.com/", http.StatusFound)
	case r.Header.Get("x-token") == "good" || r.Header.Get("authorization") == "good":
		w.Header().Set("x-user", "alice")
		w.Header().Set("x-other", "1")
		fmt.Fprintln(w, "welcome")
	default:
		w.Header().Set("www-authenticate", "Bearer")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, "who are you?")
	}
}

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	web, err := net.Listen("tcp", os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(http.Serve(web, http.HandlerFunc(answer))) }()
	var options []grpc.ServerOption
	if len(os.Args) > 4 {
		tls, err := credentials.NewServerTLSFromFile(os.Args[3], os.Args[4])
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, grpc.Creds(tls))
	}
	s := grpc.NewServer(options...)
	auth.RegisterAuthorizationServer(s, server{})
	fmt.Println("serving")
	log.Fatal(s.Serve(listener))
}
