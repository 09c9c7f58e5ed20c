// franz-go behind the interface of src/clients.rs: reads the target, then one request per line.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

type target struct {
	Bootstrap, Protocol, CA, Certificate, Key string
	SASL                                      *struct{ Mechanism, User, Password string }
}

type request struct {
	Verb, Topic, Prefix, Acks, Compression, Group, Protocol, ID string
	Partitions                                                  int32
	Members                                                     int
	Replicas                                                    [][]int32
	LimitMs                                                     int `json:"limit_ms"`
	Replication                                                 int16
	Count, Size, Timeout                                        int
	IntervalMs                                                  int  `json:"interval_ms"`
	ReadCommitted                                               bool `json:"read_committed"`
	Commit                                                      bool
	Headers                                                     [][2]string
}

type answer map[string]any

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	var t target
	if !in.Scan() || json.Unmarshal(in.Bytes(), &t) != nil {
		fmt.Fprintln(os.Stderr, "no target")
		os.Exit(2)
	}
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var r request
		a := answer{"ok": true}
		err := json.Unmarshal(in.Bytes(), &r)
		if err == nil {
			err = t.handle(r, a)
		}
		if err != nil {
			a["ok"], a["error"], a["message"] = false, name(err), err.Error()
		}
		out.Encode(a)
	}
}

// name is Kafka's own name of an error.
func name(err error) string {
	var k *kerr.Error
	switch {
	case errors.As(err, &k):
		return k.Message
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, kgo.ErrRecordTimeout):
		return "TIMEOUT"
	default:
		return fmt.Sprintf("%T", err)
	}
}

func (t target) client(more ...kgo.Opt) (*kgo.Client, error) {
	opts := []kgo.Opt{kgo.SeedBrokers(strings.Split(t.Bootstrap, ",")...), kgo.WithLogger(kgo.BasicLogger(os.Stderr, kgo.LogLevelWarn, nil))}
	if strings.HasSuffix(t.Protocol, "SSL") {
		config := &tls.Config{RootCAs: x509.NewCertPool()}
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs.AppendCertsFromPEM(pem)
		if t.Key != "" {
			pair, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
			if err != nil {
				return nil, err
			}
			config.Certificates = []tls.Certificate{pair}
		}
		opts = append(opts, kgo.DialTLSConfig(config))
	}
	if s := t.SASL; s != nil {
		switch s.Mechanism {
		case "PLAIN":
			opts = append(opts, kgo.SASL(plain.Auth{User: s.User, Pass: s.Password}.AsMechanism()))
		case "SCRAM-SHA-256":
			opts = append(opts, kgo.SASL(scram.Auth{User: s.User, Pass: s.Password}.AsSha256Mechanism()))
		default:
			opts = append(opts, kgo.SASL(scram.Auth{User: s.User, Pass: s.Password}.AsSha512Mechanism()))
		}
	}
	return kgo.NewClient(append(opts, more...)...)
}

func (t target) handle(r request, a answer) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.Timeout)*time.Second)
	defer cancel()
	switch r.Verb {
	case "produce":
		return t.produce(ctx, r, a)
	case "consume":
		return t.consume(ctx, r, a)
	case "transaction":
		return t.transaction(ctx, r, a)
	case "stream-start":
		return t.streamStart(ctx, r)
	case "stream-recovered", "stream-stop":
		if streaming == nil {
			return errors.New("no stream runs")
		}
		if r.Verb == "stream-stop" {
			return streaming.stop(ctx, a)
		}
		return streaming.recovered(r, a)
	}
	cl, err := t.client()
	if err != nil {
		return err
	}
	defer cl.Close()
	switch r.Verb {
	case "place-topic":
		return placeTopic(ctx, cl, r)
	case "move-topic":
		return moveTopic(ctx, cl, r)
	}
	return admin(ctx, kadm.NewClient(cl), r, a)
}

func admin(ctx context.Context, adm *kadm.Client, r request, a answer) error {
	switch r.Verb {
	case "create-topic":
		if _, err := adm.CreateTopic(ctx, r.Partitions, r.Replication, nil, r.Topic); err != nil {
			return err
		}
		for {
			found, err := adm.ListTopics(ctx, r.Topic)
			if err != nil {
				return err
			}
			ready := 0
			for _, p := range found[r.Topic].Partitions {
				if p.Err == nil && p.Leader >= 0 {
					ready++
				}
			}
			if ready == int(r.Partitions) {
				return nil
			}
			time.Sleep(50 * time.Millisecond)
		}
	case "delete-topic":
		_, err := adm.DeleteTopic(ctx, r.Topic)
		return err
	case "list-topics":
		found, err := adm.ListTopics(ctx)
		if err != nil {
			return err
		}
		a["topics"] = found.Names()
	case "describe-topic":
		found, err := adm.ListTopics(ctx, r.Topic)
		if err != nil {
			return err
		}
		topic := found[r.Topic]
		if topic.Err != nil {
			return topic.Err
		}
		partitions := []answer{}
		for _, p := range topic.Partitions.Sorted() {
			sort.Slice(p.ISR, func(i, j int) bool { return p.ISR[i] < p.ISR[j] })
			partitions = append(partitions, answer{"partition": p.Partition, "leader": p.Leader, "replicas": p.Replicas, "isr": p.ISR})
		}
		a["topic_id"], a["partitions"] = topic.ID.String(), partitions
	case "describe-cluster":
		found, err := adm.BrokerMetadata(ctx)
		if err != nil {
			return err
		}
		brokers := []answer{}
		sort.Slice(found.Brokers, func(i, j int) bool { return found.Brokers[i].NodeID < found.Brokers[j].NodeID })
		for _, b := range found.Brokers {
			brokers = append(brokers, answer{"id": b.NodeID, "host": b.Host, "port": b.Port})
		}
		a["cluster_id"], a["controller"], a["brokers"] = found.Cluster, found.Controller, brokers
	default:
		return fmt.Errorf("unknown verb %q", r.Verb)
	}
	return nil
}

func records(r request) []*kgo.Record {
	all := make([]*kgo.Record, r.Count)
	for i := range all {
		value := fmt.Sprint(r.Prefix, i)
		if len(value) < r.Size {
			value += strings.Repeat("x", r.Size-len(value))
		}
		all[i] = &kgo.Record{Topic: r.Topic, Key: []byte(fmt.Sprint(i)), Value: []byte(value)}
		for _, h := range r.Headers {
			all[i].Headers = append(all[i].Headers, kgo.RecordHeader{Key: h[0], Value: []byte(h[1])})
		}
	}
	return all
}

func (t target) produce(ctx context.Context, r request, a answer) error {
	opts := []kgo.Opt{kgo.RecordDeliveryTimeout(time.Duration(r.Timeout) * time.Second)}
	switch r.Acks {
	case "0":
		opts = append(opts, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	case "1":
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	}
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	cl, err := t.client(append(opts, kgo.ProducerBatchCompression(codecs[r.Compression]))...)
	if err != nil {
		return err
	}
	defer cl.Close()
	results := kgo.ProduceResults{}
	if r.IntervalMs == 0 {
		results = cl.ProduceSync(ctx, records(r)...)
	} else {
		for _, record := range records(r) {
			results = append(results, cl.ProduceSync(ctx, record)...)
			time.Sleep(time.Duration(r.IntervalMs) * time.Millisecond)
		}
	}
	count := 0
	for _, result := range results {
		if result.Err == nil {
			count++
		}
	}
	a["count"] = count
	return results.FirstErr()
}

func (t target) consume(ctx context.Context, r request, a answer) error {
	opts := []kgo.Opt{kgo.ConsumeTopics(r.Topic), kgo.FetchMaxWait(100 * time.Millisecond)}
	if r.Protocol == "share" {
		t.startShareGroupAtEarliest(ctx, r.Group)
		opts = append(opts, kgo.ShareGroup(r.Group))
	} else {
		opts = append(opts, kgo.ConsumerGroup(r.Group), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
		if r.Protocol == "consumer" {
			opts = append(opts, kgo.ServerSideBalancer())
		}
		if r.ReadCommitted {
			opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
		}
	}
	cl, err := t.client(opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	count, got := 0, []answer{}
	for count < r.Count && ctx.Err() == nil {
		fetches := cl.PollFetches(ctx)
		for _, e := range fetches.Errors() {
			if !errors.Is(e.Err, context.DeadlineExceeded) {
				return e.Err
			}
		}
		polled := fetches.Records()
		for _, record := range polled {
			count++
			headers := [][2]string{}
			for _, h := range record.Headers {
				headers = append(headers, [2]string{h.Key, string(h.Value)})
			}
			if len(got) < 1000 {
				got = append(got, answer{"topic": record.Topic, "partition": record.Partition, "offset": record.Offset,
					"key": string(record.Key), "value": string(record.Value), "headers": headers})
			}
		}
		a["records"], a["count"] = got, count
		if len(polled) == 0 {
			continue
		}
		if r.Protocol == "share" {
			cl.MarkAcks(kgo.AckAccept, polled...)
			err = cl.FlushAcks(ctx)
		} else {
			err = cl.CommitRecords(ctx, polled...)
		}
		if err != nil {
			return err
		}
	}
	if count < r.Count {
		return fmt.Errorf("%d of %d records in %d s: %w", count, r.Count, r.Timeout, context.DeadlineExceeded)
	}
	return nil
}

// A share group begins at the latest offset unless its own configuration says otherwise.
func (t target) startShareGroupAtEarliest(ctx context.Context, group string) {
	cl, err := t.client()
	if err != nil {
		return
	}
	defer cl.Close()
	config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	config.Name, config.Value = "share.auto.offset.reset", kmsg.StringPtr("earliest")
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeGroupConfig, group
	resource.Configs = append(resource.Configs, config)
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.Resources = append(req.Resources, resource)
	if _, err := req.RequestWith(ctx, cl); err != nil {
		fmt.Fprintln(os.Stderr, "share.auto.offset.reset stays as it is:", err)
	}
}

func (t target) transaction(ctx context.Context, r request, a answer) error {
	cl, err := t.client(kgo.TransactionalID(r.ID))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		return err
	}
	sent := cl.ProduceSync(ctx, records(r)...).FirstErr()
	end := kgo.TransactionEndTry(r.Commit && sent == nil)
	if err := cl.EndTransaction(ctx, end); err != nil {
		return err
	}
	a["count"] = r.Count
	return sent
}
