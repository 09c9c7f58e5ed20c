//! Statuses as a table.

use super::{Object, Style};
use resources::gateway_api::ParentReference;
use resources::status::{Condition, ConditionStatus};
use translate::{Status, Statuses};

/// Conditions that have a column.
const COLUMNS: [&str; 3] = ["Accepted", "ResolvedRefs", "Programmed"];

struct Row {
    name: String,
    parent: String,
    cells: [String; 3],
    remark: String,
}

/// One line per object and parent; `-` where a condition does not apply, the reason where it does not hold. Empty without objects.
pub fn statuses(statuses: &Statuses, style: Style) -> String {
    let mut rows = Vec::new();
    for (key, status) in statuses {
        let name = Object::from(key).to_string();
        match &**status {
            Status::GatewayClass(status) => rows.push(row(name, String::new(), &status.conditions, None)),
            Status::Gateway(status) => {
                rows.push(row(name, String::new(), &status.conditions, None));
                rows.extend(status.listeners.iter().map(|listener| {
                    let name = format!("  listener {}", listener.name);
                    row(name, String::new(), &listener.conditions, Some(listener.attached_routes))
                }));
            }
            Status::ListenerSet(status) => {
                rows.push(row(name, String::new(), &status.conditions, None));
                rows.extend(status.listeners.iter().map(|listener| {
                    let name = format!("  listener {}", listener.name);
                    row(name, String::new(), &listener.conditions, Some(listener.attached_routes))
                }));
            }
            Status::Route(status) => {
                if status.parents.is_empty() {
                    rows.push(row(name.clone(), "no Gateway of this folder".into(), &[], None));
                }
                rows.extend(status.parents.iter().map(|parent| {
                    row(name.clone(), reference(&parent.parent_ref, &key.namespace), &parent.conditions, None)
                }));
            }
            Status::Policy(status) => {
                if status.ancestors.is_empty() {
                    rows.push(row(name.clone(), "without effect".into(), &[], None));
                }
                rows.extend(status.ancestors.iter().map(|ancestor| {
                    row(name.clone(), reference(&ancestor.ancestor_ref, &key.namespace), &ancestor.conditions, None)
                }));
            }
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let mut lines = vec![["OBJECT", "PARENT", "ACCEPTED", "RESOLVEDREFS", "PROGRAMMED", ""].map(str::to_owned)];
    lines.extend(rows.into_iter().map(|row| {
        let [accepted, resolved, programmed] = row.cells;
        [row.name, row.parent, accepted, resolved, programmed, row.remark]
    }));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        let line: Vec<String> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let line = super::text::printable(line.join("  ").trim_end());
        text.push_str(&if at == 0 { style.bold(&line) } else { line });
        text.push('\n');
    }
    text
}

fn row(name: String, parent: String, conditions: &[Condition], routes: Option<i32>) -> Row {
    let cells = COLUMNS.map(|column| match conditions.iter().find(|one| one.condition_type == column) {
        None => "-".to_owned(),
        Some(condition) if condition.status == ConditionStatus::True => "True".to_owned(),
        Some(condition) => format!("{}/{}", condition.status, condition.reason),
    });
    let mut remarks: Vec<String> =
        routes.map(|routes| format!("{routes} route{}", if routes == 1 { "" } else { "s" })).into_iter().collect();
    // A condition without a column that says something unusual.
    remarks.extend(
        conditions
            .iter()
            .filter(|one| !COLUMNS.contains(&one.condition_type.as_str()) && is_remarkable(one))
            .map(|one| format!("{}={}/{}", one.condition_type, one.status, one.reason)),
    );
    let parent = if parent.is_empty() { "-".to_owned() } else { parent };
    Row { name, parent, cells, remark: remarks.join(", ") }
}

/// Whether a condition is in another state than that of an object without any problem.
fn is_remarkable(condition: &Condition) -> bool {
    let normally_true =
        matches!(condition.condition_type.as_str(), "SupportedVersion" | "sluicegate.dev/CertificateCoverage");
    (condition.status == ConditionStatus::True) != normally_true
}

fn reference(parent: &ParentReference, namespace: &str) -> String {
    let mut text = parent.kind.to_string() + " ";
    match parent.namespace.as_deref() {
        Some(other) if other != namespace => text.push_str(&format!("{other}/")),
        _ => {}
    }
    text.push_str(&parent.name);
    if let Some(section) = &parent.section_name {
        text.push_str(&format!("/{section}"));
    }
    if let Some(port) = parent.port {
        text.push_str(&format!(":{port}"));
    }
    text
}
