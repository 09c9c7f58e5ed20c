//! GatewayClass.

use super::ParametersReference;
use crate::format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A class of Gateways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayClassSpec {
    /// Name of the controller that answers for Gateways of this class, a domain and a path.
    #[schemars(with = "format::ControllerName")]
    pub controller_name: String,
    /// Parameters for the controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters_ref: Option<ParametersReference>,
    /// A description for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::Text64>")]
    pub description: Option<String>,
}
