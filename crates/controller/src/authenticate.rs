//! Whether whoever opens a stream is a proxy of the Gateway it names: by its ServiceAccount token, which is made for this
//! purpose alone (its audience) and which the API server judges (TokenReview).

use crate::stream::Authenticate;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use snapshot::ObjectName;

/// For whom the token is.
pub(crate) const AUDIENCE: &str = "sluicegate.dev/configuration";

/// The token must be of the ServiceAccount that was provisioned for the Gateway.
pub(crate) fn by_token(client: Client) -> Authenticate {
    Box::new(move |token, gateway| {
        let client = client.clone();
        Box::pin(async move { review(client, token, gateway).await })
    })
}

async fn review(client: Client, token: String, gateway: ObjectName) -> Result<(), String> {
    if token.is_empty() {
        return Err("no token was shown".to_owned());
    }
    let api: Api<TokenReview> = Api::all(client);
    let spec = TokenReviewSpec { token, audiences: Some(vec![AUDIENCE.to_owned()]) };
    let review = TokenReview { spec, ..TokenReview::default() };
    let review = api
        .create(&PostParams::default(), &review)
        .await
        .map_err(|error| format!("the token cannot be judged: {error}"))?;
    let status = review.status.unwrap_or_default();
    if status.authenticated != Some(true) {
        return Err(format!("the token is not valid: {}", status.error.unwrap_or_default()));
    }
    // An API server that does not know audiences answers without them.
    if !status.audiences.unwrap_or_default().iter().any(|audience| audience == AUDIENCE) {
        return Err("the token is for somebody else".to_owned());
    }
    let user = status.user.unwrap_or_default().username.unwrap_or_default();
    let prefix = format!("system:serviceaccount:{}:{}-", gateway.namespace, gateway.name);
    if user.starts_with(&prefix) { Ok(()) } else { Err(format!("{user} is no proxy of Gateway {gateway}")) }
}
