package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// environment resolves a container's variables.
func (w *podWorker) environment(ctx context.Context, c *corev1.Container) ([]string, error) {
	core := w.r.client.CoreV1()
	ns := w.pod.Namespace
	env := []string{"PATH=/usr/local/bin:/usr/bin:/bin:/", "HOME=/", "HOSTNAME=" + w.pod.Name}
	if api, err := core.Services("default").Get(ctx, "kubernetes", metav1.GetOptions{}); err == nil && len(api.Spec.Ports) > 0 {
		env = append(env, "KUBERNETES_SERVICE_HOST="+api.Spec.ClusterIP,
			fmt.Sprintf("KUBERNETES_SERVICE_PORT=%d", api.Spec.Ports[0].Port))
	}
	for _, from := range c.EnvFrom {
		switch {
		case from.ConfigMapRef != nil:
			cm, err := core.ConfigMaps(ns).Get(ctx, from.ConfigMapRef.Name, metav1.GetOptions{})
			if err != nil {
				return nil, err
			}
			for k, v := range cm.Data {
				env = append(env, from.Prefix+k+"="+v)
			}
		case from.SecretRef != nil:
			s, err := core.Secrets(ns).Get(ctx, from.SecretRef.Name, metav1.GetOptions{})
			if err != nil {
				return nil, err
			}
			for k, v := range s.Data {
				env = append(env, from.Prefix+k+"="+string(v))
			}
		}
	}
	for _, e := range c.Env {
		v := e.Value
		if f := e.ValueFrom; f != nil {
			switch {
			case f.FieldRef != nil:
				var err error
				if v, err = w.field(f.FieldRef.FieldPath); err != nil {
					return nil, err
				}
			case f.ConfigMapKeyRef != nil:
				cm, err := core.ConfigMaps(ns).Get(ctx, f.ConfigMapKeyRef.Name, metav1.GetOptions{})
				if err != nil {
					return nil, err
				}
				v = cm.Data[f.ConfigMapKeyRef.Key]
			case f.SecretKeyRef != nil:
				s, err := core.Secrets(ns).Get(ctx, f.SecretKeyRef.Name, metav1.GetOptions{})
				if err != nil {
					return nil, err
				}
				v = string(s.Data[f.SecretKeyRef.Key])
			default:
				return nil, fmt.Errorf("variable %s: unsupported source", e.Name)
			}
		}
		env = append(env, e.Name+"="+v)
	}
	return env, nil
}

// field resolves a downward API path.
func (w *podWorker) field(path string) (string, error) {
	p := w.pod
	for prefix, m := range map[string]map[string]string{
		"metadata.labels['": p.Labels, "metadata.annotations['": p.Annotations} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			return m[strings.TrimSuffix(rest, "']")], nil
		}
	}
	switch path {
	case "metadata.name":
		return p.Name, nil
	case "metadata.namespace":
		return p.Namespace, nil
	case "metadata.uid":
		return string(p.UID), nil
	case "spec.nodeName":
		return p.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return p.Spec.ServiceAccountName, nil
	case "status.podIP", "status.podIPs":
		return w.addr.String(), nil
	case "status.hostIP", "status.hostIPs":
		return w.r.o.nodeIP, nil
	}
	return "", fmt.Errorf("field %s is not supported", path)
}

// volumes fills in a container's volumes. What only this container needs is
// written straight into its root directory, if it has one of its own; the rest
// is returned as SRC:DST binds.
func (w *podWorker) volumes(ctx context.Context, c *corev1.Container, root string, hostRoot bool) ([]string, error) {
	byName := map[string]*corev1.Volume{}
	for i := range w.pod.Spec.Volumes {
		byName[w.pod.Spec.Volumes[i].Name] = &w.pod.Spec.Volumes[i]
	}
	var binds []string
	for _, m := range c.VolumeMounts {
		v := byName[m.Name]
		if v == nil {
			return nil, fmt.Errorf("volume %s is not defined", m.Name)
		}
		files, err := w.volumeFiles(ctx, v)
		if err != nil {
			return nil, fmt.Errorf("volume %s: %w", m.Name, err)
		}
		var at string
		switch {
		case v.HostPath != nil:
			binds = append(binds, filepath.Join(v.HostPath.Path, m.SubPath)+":"+m.MountPath)
			continue
		case hostRoot || files == nil || m.SubPath != "": // emptyDir is shared by a Pod's containers
			at = filepath.Join(w.dir(), "volumes", v.Name)
			binds = append(binds, filepath.Join(at, m.SubPath)+":"+m.MountPath)
		default:
			at = filepath.Join(root, m.MountPath)
		}
		if err := os.MkdirAll(filepath.Join(at, m.SubPath), 0o755); err != nil {
			return nil, err
		}
		if files == nil { // an empty directory is everyone's
			if err := os.Chmod(filepath.Join(at, m.SubPath), 0o777); err != nil {
				return nil, err
			}
		}
		for name, data := range files {
			p := filepath.Join(at, name)
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				return nil, err
			}
			if err := os.WriteFile(p, data, 0o644); err != nil {
				return nil, err
			}
		}
	}
	return binds, nil
}

// volumeFiles gives the contents of a volume; nil for an empty directory.
func (w *podWorker) volumeFiles(ctx context.Context, v *corev1.Volume) (map[string][]byte, error) {
	switch {
	case v.EmptyDir != nil, v.HostPath != nil:
		return nil, nil
	case v.Secret != nil:
		return w.secretFiles(ctx, v.Secret.SecretName, v.Secret.Items, v.Secret.Optional)
	case v.ConfigMap != nil:
		return w.configMapFiles(ctx, v.ConfigMap.Name, v.ConfigMap.Items, v.ConfigMap.Optional)
	case v.DownwardAPI != nil:
		return w.downwardFiles(v.DownwardAPI.Items)
	case v.Projected != nil:
		all := map[string][]byte{}
		for _, s := range v.Projected.Sources {
			var part map[string][]byte
			var err error
			switch {
			case s.Secret != nil:
				part, err = w.secretFiles(ctx, s.Secret.Name, s.Secret.Items, s.Secret.Optional)
			case s.ConfigMap != nil:
				part, err = w.configMapFiles(ctx, s.ConfigMap.Name, s.ConfigMap.Items, s.ConfigMap.Optional)
			case s.DownwardAPI != nil:
				part, err = w.downwardFiles(s.DownwardAPI.Items)
			case s.ServiceAccountToken != nil:
				part, err = w.tokenFile(ctx, s.ServiceAccountToken)
			}
			if err != nil {
				return nil, err
			}
			for k, d := range part {
				all[k] = d
			}
		}
		return all, nil
	}
	return nil, errors.New("unsupported kind of volume")
}

func pick(data map[string][]byte, items []corev1.KeyToPath) (map[string][]byte, error) {
	if len(items) == 0 {
		return data, nil
	}
	out := map[string][]byte{}
	for _, it := range items {
		d, ok := data[it.Key]
		if !ok {
			return nil, fmt.Errorf("no key %s", it.Key)
		}
		out[it.Path] = d
	}
	return out, nil
}

func (w *podWorker) secretFiles(ctx context.Context, name string, items []corev1.KeyToPath, optional *bool) (map[string][]byte, error) {
	s, err := w.r.client.CoreV1().Secrets(w.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		if apierrors.IsNotFound(err) && optional != nil && *optional {
			return map[string][]byte{}, nil
		}
		return nil, err
	}
	return pick(s.Data, items)
}

func (w *podWorker) configMapFiles(ctx context.Context, name string, items []corev1.KeyToPath, optional *bool) (map[string][]byte, error) {
	cm, err := w.r.client.CoreV1().ConfigMaps(w.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		if apierrors.IsNotFound(err) && optional != nil && *optional {
			return map[string][]byte{}, nil
		}
		return nil, err
	}
	data := map[string][]byte{}
	for k, v := range cm.Data {
		data[k] = []byte(v)
	}
	for k, v := range cm.BinaryData {
		data[k] = v
	}
	return pick(data, items)
}

func (w *podWorker) downwardFiles(items []corev1.DownwardAPIVolumeFile) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, it := range items {
		if it.FieldRef == nil {
			continue // resource fields: nothing is limited here
		}
		v, err := w.field(it.FieldRef.FieldPath)
		if err != nil {
			return nil, err
		}
		out[it.Path] = []byte(v)
	}
	return out, nil
}

// tokenFile asks the API server for a token bound to this Pod.
func (w *podWorker) tokenFile(ctx context.Context, t *corev1.ServiceAccountTokenProjection) (map[string][]byte, error) {
	sa := w.pod.Spec.ServiceAccountName
	if sa == "" {
		sa = "default"
	}
	req := &authv1.TokenRequest{Spec: authv1.TokenRequestSpec{
		ExpirationSeconds: t.ExpirationSeconds,
		BoundObjectRef: &authv1.BoundObjectReference{
			Kind: "Pod", APIVersion: "v1", Name: w.pod.Name, UID: w.pod.UID},
	}}
	if t.Audience != "" {
		req.Spec.Audiences = []string{t.Audience}
	}
	got, err := w.r.client.CoreV1().ServiceAccounts(w.pod.Namespace).CreateToken(ctx, sa, req, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	return map[string][]byte{t.Path: []byte(got.Status.Token)}, nil
}
