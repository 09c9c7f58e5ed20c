// A real gRPC pair: `grpc serve ADDR NAME [CERT KEY]` and `grpc call ADDR AUTHORITY MESSAGES [CA]`.
//
// The service is grpc.testing.TestService. UnaryCall echoes the payload; FullDuplexCall answers each message with one of its
// payload. The server's name comes back in the header `x-server`, and as SimpleResponse.hostname.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

type server struct {
	pb.UnimplementedTestServiceServer
	name string
}

func (s server) UnaryCall(ctx context.Context, in *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	grpc.SetHeader(ctx, metadata.Pairs("x-server", s.name))
	grpc.SetTrailer(ctx, metadata.Pairs("x-trailer", "end"))
	if wanted := in.GetResponseStatus(); wanted.GetCode() != 0 {
		return nil, status.Error(codes.Code(wanted.Code), wanted.Message)
	}
	return &pb.SimpleResponse{Payload: in.Payload, Hostname: s.name}, nil
}

func (s server) FullDuplexCall(stream grpc.BidiStreamingServer[pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse]) error {
	stream.SetHeader(metadata.Pairs("x-server", s.name))
	for {
		in, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(&pb.StreamingOutputCallResponse{Payload: in.Payload}); err != nil {
			return err
		}
	}
}

func serve(args []string) error {
	listener, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	var opts []grpc.ServerOption
	if len(args) > 3 {
		tls, err := credentials.NewServerTLSFromFile(args[2], args[3])
		if err != nil {
			return err
		}
		opts = append(opts, grpc.Creds(tls))
	}
	s := grpc.NewServer(opts...)
	pb.RegisterTestServiceServer(s, server{name: args[1]})
	fmt.Println("serving")
	return s.Serve(listener)
}

func call(args []string) error {
	messages, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	creds := insecure.NewCredentials()
	if len(args) > 3 {
		pem, err := os.ReadFile(args[3])
		if err != nil {
			return err
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		creds = credentials.NewTLS(&tls.Config{RootCAs: pool, ServerName: args[1]})
	}
	conn, err := grpc.NewClient("passthrough:///"+args[0], grpc.WithTransportCredentials(creds), grpc.WithAuthority(args[1]))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client := pb.NewTestServiceClient(conn)
	result := map[string]any{}
	var header, trailer metadata.MD
	one, err := client.UnaryCall(ctx, &pb.SimpleRequest{Payload: &pb.Payload{Body: []byte("one")}}, grpc.Header(&header), grpc.Trailer(&trailer))
	result["unary_code"] = status.Code(err).String()
	if err == nil {
		result["unary"], result["server"], result["trailer"] = string(one.Payload.Body), one.Hostname, trailer.Get("x-trailer")
	}
	_, err = client.UnaryCall(ctx, &pb.SimpleRequest{ResponseStatus: &pb.EchoStatus{Code: int32(codes.FailedPrecondition), Message: "as asked"}})
	result["status_code"], result["status_message"] = status.Code(err).String(), status.Convert(err).Message()

	echoed := 0
	stream, err := client.FullDuplexCall(ctx)
	for i := 0; err == nil && i < messages; i++ {
		// Each answer is awaited before the next question: an intermediary that buffers would hang here.
		if err = stream.Send(&pb.StreamingOutputCallRequest{Payload: &pb.Payload{Body: []byte(strconv.Itoa(i))}}); err != nil {
			break
		}
		var out *pb.StreamingOutputCallResponse
		if out, err = stream.Recv(); err == nil && string(out.Payload.Body) == strconv.Itoa(i) {
			echoed++
		}
	}
	if err == nil {
		stream.CloseSend()
		if _, err = stream.Recv(); err == io.EOF {
			err = nil
		}
	}
	result["stream_code"], result["streamed"] = status.Code(err).String(), echoed
	return json.NewEncoder(os.Stdout).Encode(result)
}

func main() {
	var err error
	switch {
	case len(os.Args) > 3 && os.Args[1] == "serve":
		err = serve(os.Args[2:])
	case len(os.Args) > 4 && os.Args[1] == "call":
		err = call(os.Args[2:])
	default:
		err = fmt.Errorf("usage: grpc serve ADDR NAME [CERT KEY] | grpc call ADDR AUTHORITY MESSAGES [CA]")
	}
	if err != nil {
		log.Fatal(err)
	}
}
