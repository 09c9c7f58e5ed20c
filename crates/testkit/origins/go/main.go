// Go's HTTP servers, each telling how it read a request: go NAME HOST PORT.
//
// The answer's header x-seen has four fields in base64, separated by dots: method, target, body, header lines.
package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/valyala/fasthttp"
)

func seen(method, target string, body []byte, headers string) string {
	b64 := base64.StdEncoding.EncodeToString
	return strings.Join([]string{b64([]byte(method)), b64([]byte(target)), b64(body), b64([]byte(headers))}, ".")
}

func standard(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	headers := &strings.Builder{}
	fmt.Fprintf(headers, "host: %s\n", r.Host)
	for name, values := range r.Header {
		for _, value := range values {
			fmt.Fprintf(headers, "%s: %s\n", name, value)
		}
	}
	w.Header().Set("x-seen", seen(r.Method, r.RequestURI, body, headers.String()))
	w.Header().Set("content-length", "3")
	fmt.Fprint(w, "ok\n")
}

func fast(ctx *fasthttp.RequestCtx) {
	headers := &strings.Builder{}
	for name, value := range ctx.Request.Header.All() {
		fmt.Fprintf(headers, "%s: %s\n", name, value)
	}
	line := seen(string(ctx.Method()), string(ctx.Request.Header.RequestURI()), ctx.Request.Body(), headers.String())
	ctx.Response.Header.Set("x-seen", line)
	ctx.SetBodyString("ok\n")
}

func main() {
	address := net.JoinHostPort(os.Args[2], os.Args[3])
	switch os.Args[1] {
	case "net/http":
		log.Fatal(http.ListenAndServe(address, http.HandlerFunc(standard)))
	case "fasthttp":
		server := &fasthttp.Server{Handler: fast, Logger: log.New(io.Discard, "", 0)}
		log.Fatal(server.ListenAndServe(address))
	}
}
