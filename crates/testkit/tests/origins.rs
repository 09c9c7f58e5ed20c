//! The HTTP origins, the real servers, gRPC and the blocking client.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that tells its timings")]

use std::time::Duration;

use testkit::http::Http;
use testkit::origin::Origin;
use testkit::{Ca, LoopbackNet, grpc, servers};

#[test]
fn origins_tell_what_they_got() {
    let net = LoopbackNet::claim().unwrap();
    let plain = Origin::start("one", (net.address(1), 0).into()).unwrap();
    let ca = Ca::new("test").unwrap();
    let identity = ca.server(&["*.example.test"]).unwrap();
    let tls = Origin::start_tls("two", (net.address(1), 0).into(), &identity).unwrap();

    for http in [Http::to(plain.address()), Http::to(plain.address()).http2()] {
        let response = http.get("a.example.test", "/some/path?query=1").unwrap();
        let json = response.json().unwrap();
        assert_eq!(
            (response.status, &json["origin"], &json["path"]),
            (200, &"one".into(), &"/some/path?query=1".into())
        );
        assert_eq!(json["host"], "a.example.test");
        assert_eq!(http.get("a", "/status/503").unwrap().status, 503);
        assert_eq!(http.get("a", "/bytes/40000").unwrap().body.len(), 40_000);
        assert_eq!(http.get("a", "/slow-body/2").unwrap().text(), "line 0\nline 1\n");
        assert!(http.get("a", "/reset").is_err());
        let hasty = http.clone().limit(Duration::from_millis(50));
        assert!(hasty.get("a", "/delay/500").is_err());
    }
    for http in [Http::to(tls.address()), Http::to(tls.address()).http2()] {
        let http = http.tls("b.example.test", ca.pem()).unwrap();
        let json = http.get("b.example.test", "/").unwrap().json().unwrap();
        assert_eq!((&json["origin"], &json["tls"]), (&"two".into(), &true.into()));
    }
    assert!(Http::to(tls.address()).tls("other.test", ca.pem()).unwrap().get("other.test", "/").is_err());
}

#[test]
fn nginx_and_python_serve() {
    let net = LoopbackNet::claim().unwrap();
    let ca = Ca::new("test").unwrap();
    let identity = ca.server(&["nginx.example.test"]).unwrap();
    let plain = servers::nginx("plain", net.socket(1).unwrap(), None).unwrap();
    let secure = servers::nginx("secure", net.socket(2).unwrap(), Some(&identity)).unwrap();
    let python = servers::python("snake", net.socket(3).unwrap()).unwrap();
    let json = Http::to(plain.address()).get("x.test", "/p?q").unwrap().json().unwrap();
    assert_eq!((&json["origin"], &json["path"], &json["host"]), (&"plain".into(), &"/p?q".into(), &"x.test".into()));
    let h2 = Http::to(secure.address()).http2().tls("nginx.example.test", ca.pem()).unwrap();
    assert_eq!(h2.get("nginx.example.test", "/big").unwrap().body.len(), 1 << 20);
    assert_eq!(Http::to(python.address()).get("x.test", "/").unwrap().text(), "snake\n");
}

#[test]
fn grpc_calls_grpc() {
    let net = LoopbackNet::claim().unwrap();
    let server = grpc::GrpcServer::start("g", net.socket(1).unwrap(), None).unwrap();
    let result = grpc::call(server.address(), "grpc.example.test", 20, None).unwrap();
    assert_eq!((&result["unary"], &result["server"], &result["streamed"]), (&"one".into(), &"g".into(), &20.into()));
    assert_eq!((&result["status_code"], &result["stream_code"]), (&"FailedPrecondition".into(), &"OK".into()));
}
