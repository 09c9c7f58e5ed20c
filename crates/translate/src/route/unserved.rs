//! Kinds of routes that are read and not served yet: their statuses say so.

use crate::Context;
use crate::attach::{RouteHead, refuse_kind};
use crate::gateway::GatewayState;
use resources::Kind;

/// Tells every GRPCRoute, TCPRoute and UDPRoute that names one of our Gateways.
pub(crate) fn translate(ctx: &mut Context<'_>, gateways: &[GatewayState<'_>]) {
    let index = ctx.index;
    let objects = index.resources();
    let grpc = objects.grpc_routes.values().map(|o| (Kind::GrpcRoute, &o.meta, &o.spec.parent_refs));
    let tcp = objects.tcp_routes.values().map(|o| (Kind::TcpRoute, &o.meta, &o.spec.parent_refs));
    let udp = objects.udp_routes.values().map(|o| (Kind::UdpRoute, &o.meta, &o.spec.parent_refs));
    for (kind, meta, parent_refs) in grpc.chain(tcp).chain(udp) {
        refuse_kind(ctx, gateways, RouteHead { kind, meta, parent_refs });
    }
}
