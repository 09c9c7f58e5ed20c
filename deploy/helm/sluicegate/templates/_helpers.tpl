{{- define "sluicegate.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "sluicegate.selector" -}}
app.kubernetes.io/name: sluicegate-controller
{{- end }}

{{- define "sluicegate.labels" -}}
{{ include "sluicegate.selector" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* Roles of the cluster have no namespace: two installations need two names. */}}
{{- define "sluicegate.clusterName" -}}
{{- if eq .Release.Namespace "sluicegate-system" -}}
sluicegate-controller
{{- else -}}
sluicegate-controller-{{ .Release.Namespace }}
{{- end -}}
{{- end }}
