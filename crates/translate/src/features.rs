//! What is served of the Gateway API, in the names that its conformance suite gives to features (GEP-2162).

use resources::status::SupportedFeature;

/// Features of release v1.7.0 that are served completely, sorted, as the API demands.
const SUPPORTED: [&str; 54] = [
    "BackendTLSPolicy",
    "BackendTLSPolicySANValidation",
    "ClusterTrustBundle",
    "GRPCRoute",
    "GRPCRouteNamedRouteRule",
    "GRPCRouteRequestHeaderModifier",
    "Gateway",
    "GatewayAddressEmpty",
    "GatewayAddressRoutability",
    "GatewayAddressRoutabilityCluster",
    "GatewayBackendClientCertificate",
    "GatewayFrontendClientCertificateValidation",
    "GatewayFrontendClientCertificateValidationInsecureFallback",
    "GatewayHTTPListenerIsolation",
    "GatewayHTTPSListenerDetectMisdirectedRequests",
    "GatewayInfrastructure",
    "GatewayListenerFilters",
    "GatewayPort8080",
    "GatewayRouteHostnameIntersectionPrecedence",
    "GatewayStaticAddresses",
    "HTTPRoute",
    "HTTPRoute303RedirectStatusCode",
    "HTTPRoute307RedirectStatusCode",
    "HTTPRoute308RedirectStatusCode",
    "HTTPRouteBackendProtocolH2C",
    "HTTPRouteBackendProtocolWebSocket",
    "HTTPRouteBackendRequestHeaderModification",
    "HTTPRouteBackendTimeout",
    "HTTPRouteBackendURLRewrite",
    "HTTPRouteCORS",
    "HTTPRouteDestinationPortMatching",
    "HTTPRouteHostRewrite",
    "HTTPRouteMethodMatching",
    "HTTPRouteNamedRouteRule",
    "HTTPRouteParentRefPort",
    "HTTPRoutePathRedirect",
    "HTTPRoutePathRewrite",
    "HTTPRoutePortRedirect",
    "HTTPRouteQueryParamMatching",
    "HTTPRouteRequestMirror",
    "HTTPRouteRequestMultipleMirrors",
    "HTTPRouteRequestPercentageMirror",
    "HTTPRouteRequestTimeout",
    "HTTPRouteResponseHeaderModification",
    "HTTPRouteRetryCodes",
    "HTTPRouteRetryConnectionError",
    "HTTPRouteSchemeRedirect",
    "ListenerSet",
    "ReferenceGrant",
    "TCPRoute",
    "TLSRoute",
    "TLSRouteModeMixed",
    "TLSRouteModeTerminate",
    "UDPRoute",
];

/// For `GatewayClass.status.supportedFeatures`; `trust_bundles`: whether the cluster has them. A process that serves a folder
/// makes no infrastructure.
pub(crate) fn supported(trust_bundles: bool, standalone: bool) -> Vec<SupportedFeature> {
    let names = SUPPORTED.iter().filter(|name| match **name {
        "ClusterTrustBundle" => trust_bundles,
        "GatewayAddressRoutability" | "GatewayAddressRoutabilityCluster" | "GatewayInfrastructure" => !standalone,
        _ => true,
    });
    names.map(|name| SupportedFeature { name: (*name).to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::SUPPORTED;

    #[test]
    fn features_are_sorted_and_known_to_the_release() {
        assert!(SUPPORTED.is_sorted_by(|a, b| a < b));
        let known: Vec<&str> = include_str!("../tests/support/features-v1.7.0.txt").lines().collect();
        assert!(SUPPORTED.iter().all(|name| known.contains(name)));
    }
}
