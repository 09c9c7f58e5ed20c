package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A stream is an idempotent producer and a consumer group that run until they are told to stop, and count every record.
// Each partition has a key of its own, whose records are numbered from 0.
type stream struct {
	mu                                 sync.Mutex
	partitions                         []*progress
	closed                             int
	failed                             int
	redelivered, duplicated, reordered int
	reasons                            map[string]int
	used                               map[int32]time.Time // when a broker was last asked, by its id

	running  bool
	stopping context.CancelFunc
	sent     chan struct{}
	producer *kgo.Client
	members  []*kgo.Client
	taking   map[*kgo.Client]bool // the members that have taken a record
	polling  sync.WaitGroup
}

// progress of one partition.
type progress struct {
	next         int            // number of the next record that is sent
	acknowledged map[int]bool   // by number
	consumed     map[int]int64  // number to the offset at which it was seen first
	offsets      map[int64]bool // seen
	highest      int            // number seen so far, -1 at first
	acks, polls  clock
	maxAck       time.Duration // over the whole run
}

// clock keeps the longest time between two ticks since it was last asked.
type clock struct {
	last    time.Time
	longest time.Duration
}

func (c *clock) tick(now time.Time) {
	if !c.last.IsZero() && now.Sub(c.last) > c.longest {
		c.longest = now.Sub(c.last)
	}
	c.last = now
}

var streaming *stream

// maxIdle is a little less than connections.max.idle.ms, after which brokers close a connection.
const maxIdle = 9*time.Minute + 30*time.Second

// OnBrokerWrite implements kgo.HookBrokerWrite.
func (s *stream) OnBrokerWrite(meta kgo.BrokerMetadata, _ int16, _ int, _, _ time.Duration, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used[meta.NodeID] = time.Now()
}

// OnBrokerDisconnect implements kgo.HookBrokerDisconnect. A connection that only served to find the cluster is closed when it
// has rested for so long, as brokers do.
func (s *stream) OnBrokerDisconnect(meta kgo.BrokerMetadata, _ net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running && time.Since(s.used[meta.NodeID]) < maxIdle {
		s.closed++
		s.reasons[fmt.Sprintf("disconnected from broker %d", meta.NodeID)]++
	}
}

// What both sides of a comparison have, so that a client waits for no timer of its own where a broker would answer.
func (s *stream) options() []kgo.Opt {
	return []kgo.Opt{
		kgo.WithHooks(s),
		kgo.ConnIdleTimeout(15 * time.Minute),
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.MetadataMaxAge(5 * time.Second),
		kgo.RetryBackoffFn(func(int) time.Duration { return 100 * time.Millisecond }),
	}
}

func (t target) streamStart(ctx context.Context, r request) error {
	if streaming != nil {
		return errors.New("a stream runs already")
	}
	s := &stream{reasons: map[string]int{}, used: map[int32]time.Time{}, taking: map[*kgo.Client]bool{}, sent: make(chan struct{})}
	for range r.Partitions {
		s.partitions = append(s.partitions, &progress{acknowledged: map[int]bool{}, consumed: map[int]int64{}, offsets: map[int64]bool{}, highest: -1})
	}
	var err error
	producer := append(s.options(), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(r.Topic),
		kgo.ProducerLinger(0), kgo.RecordDeliveryTimeout(2*time.Minute), kgo.MaxBufferedRecords(100_000))
	if s.producer, err = t.client(producer...); err != nil {
		return err
	}
	group := append(s.options(), kgo.ConsumeTopics(r.Topic), kgo.ConsumerGroup(r.Group), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.AutoCommitInterval(500*time.Millisecond))
	if r.Protocol == "consumer" {
		group = append(group, kgo.ServerSideBalancer())
	}
	running, stop := context.WithCancel(context.Background())
	s.stopping = stop
	for range r.Members {
		member, err := t.client(group...)
		if err != nil {
			return err
		}
		s.members = append(s.members, member)
		s.polling.Add(1)
		go s.poll(member)
	}
	go s.produce(running, time.Duration(r.IntervalMs)*time.Millisecond)
	streaming = s
	// A member that joins later makes the others give up partitions, and cut the connections on which their fetches wait.
	if err := s.joined(ctx); err != nil {
		return err
	}
	if err := s.everywhere(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = true
	for _, p := range s.partitions {
		p.acks.longest, p.polls.longest, p.maxAck = 0, 0, 0
	}
	return nil
}

func (s *stream) produce(ctx context.Context, interval time.Duration) {
	defer close(s.sent)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for partition, p := range s.partitions {
			s.mu.Lock()
			number := p.next
			p.next++
			s.mu.Unlock()
			record := &kgo.Record{Partition: int32(partition), Key: []byte(strconv.Itoa(partition)), Value: []byte(strconv.Itoa(number))}
			s.producer.Produce(context.Background(), record, func(_ *kgo.Record, err error) { s.promise(p, number, err) })
		}
	}
}

func (s *stream) promise(p *progress, number int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failed++
		s.reasons["produce: "+err.Error()]++
		return
	}
	p.acknowledged[number] = true
	p.acks.tick(time.Now())
	p.maxAck = max(p.maxAck, p.acks.longest)
}

func (s *stream) poll(member *kgo.Client) {
	defer s.polling.Done()
	for {
		fetches := member.PollFetches(context.Background())
		if fetches.IsClientClosed() {
			return
		}
		s.mu.Lock()
		for _, e := range fetches.Errors() {
			s.reasons["fetch: "+e.Err.Error()]++
		}
		now := time.Now()
		for _, record := range fetches.Records() {
			s.taking[member] = true
			s.take(record, now)
		}
		s.mu.Unlock()
	}
}

// take counts a record. One that comes again at its own offset is redelivered, as groups do when a commit is lost; one that
// comes at another offset is in the log twice.
func (s *stream) take(record *kgo.Record, now time.Time) {
	p := s.partitions[record.Partition]
	number, err := strconv.Atoi(string(record.Value))
	if err != nil || string(record.Key) != strconv.Itoa(int(record.Partition)) {
		s.reasons["a record of somebody else"]++
		return
	}
	p.polls.tick(now)
	_, again := p.consumed[number]
	switch {
	case p.offsets[record.Offset]:
		s.redelivered++
		return
	case again:
		s.duplicated++
	case number < p.highest:
		s.reordered++
	}
	if !again {
		p.consumed[number] = record.Offset
	}
	p.offsets[record.Offset] = true
	p.highest = max(p.highest, number)
}

// joined waits until every member has a share of the partitions.
func (s *stream) joined(ctx context.Context) error {
	for {
		s.mu.Lock()
		taking := len(s.taking)
		s.mu.Unlock()
		if taking == len(s.members) {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%d of %d members have taken a record: %w", taking, len(s.members), ctx.Err())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// everywhere waits until every partition has an acknowledged record that was sent from now on, and a consumed one.
func (s *stream) everywhere(ctx context.Context) error {
	s.mu.Lock()
	from := make([]int, len(s.partitions))
	for i, p := range s.partitions {
		from[i] = p.next
	}
	s.mu.Unlock()
	for {
		missing := ""
		s.mu.Lock()
		for i, p := range s.partitions {
			if p.highest < from[i] || !p.acknowledged[p.highest] {
				missing = fmt.Sprintf("partition %d: consumed up to %d, sent from %d; %v", i, p.highest, from[i], s.reasons)
			}
		}
		s.mu.Unlock()
		if missing == "" {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", missing, ctx.Err())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *stream) recovered(r request, a answer) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.LimitMs)*time.Millisecond)
	defer cancel()
	if err := s.everywhere(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var produce, consume time.Duration
	each := []answer{}
	for _, p := range s.partitions {
		produce, consume = max(produce, p.acks.longest), max(consume, p.polls.longest)
		each = append(each, answer{"produce": p.acks.longest.Milliseconds(), "consume": p.polls.longest.Milliseconds()})
		p.acks.longest, p.polls.longest = 0, 0
	}
	a["produce_gap_ms"], a["consume_gap_ms"], a["partitions"] = produce.Milliseconds(), consume.Milliseconds(), each
	return nil
}

func (s *stream) stop(ctx context.Context, a answer) error {
	// From here on the client itself cuts connections: it gives up requests that wait.
	s.mu.Lock()
	s.running = false
	s.mu.Unlock()
	s.stopping()
	<-s.sent
	flushed := s.producer.Flush(ctx)
	// Until the group has what was acknowledged.
	for ctx.Err() == nil && s.missing() > 0 {
		time.Sleep(20 * time.Millisecond)
	}
	lost := s.missing()
	s.producer.Close()
	for _, member := range s.members {
		member.Close()
	}
	s.polling.Wait()
	streaming = nil
	sent, acknowledged, consumed := 0, 0, 0
	var gap time.Duration
	for _, p := range s.partitions {
		sent, acknowledged, consumed = sent+p.next, acknowledged+len(p.acknowledged), consumed+len(p.consumed)
		gap = max(gap, p.maxAck)
	}
	a["sent"], a["acknowledged"], a["consumed"], a["failed"], a["lost"] = sent, acknowledged, consumed, s.failed, lost
	a["duplicated"], a["reordered"], a["redelivered"], a["closed"] = s.duplicated, s.reordered, s.redelivered, s.closed
	a["max_gap_ms"], a["reasons"] = gap.Milliseconds(), s.reasons
	return flushed
}

func (s *stream) missing() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	missing := 0
	for _, p := range s.partitions {
		for number := range p.acknowledged {
			if _, seen := p.consumed[number]; !seen {
				missing++
			}
		}
	}
	return missing
}

// placeTopic makes a topic whose partitions have exactly these replicas, the first of each its leader.
func placeTopic(ctx context.Context, cl *kgo.Client, r request) error {
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = r.Topic, -1, -1
	for partition, replicas := range r.Replicas {
		placed := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		placed.Partition, placed.Replicas = int32(partition), replicas
		topic.ReplicaAssignment = append(topic.ReplicaAssignment, placed)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics, req.TimeoutMillis = append(req.Topics, topic), 10_000
	res, err := req.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	for _, t := range res.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return err
		}
	}
	return awaitLeaders(ctx, cl, r)
}

// moveTopic gives the partitions these replicas, and each to the first of them as its leader.
func moveTopic(ctx context.Context, cl *kgo.Client, r request) error {
	adm := kadm.NewClient(cl)
	var wanted kadm.AlterPartitionAssignmentsReq
	moved := kadm.TopicsSet{}
	for partition, replicas := range r.Replicas {
		wanted.Assign(r.Topic, int32(partition), replicas)
		moved.Add(r.Topic, int32(partition))
	}
	altered, err := adm.AlterPartitionAssignments(ctx, wanted)
	if err != nil {
		return err
	}
	if err := altered.Error(); err != nil {
		return err
	}
	for {
		left, err := adm.ListPartitionReassignments(ctx, moved)
		if err != nil {
			return err
		}
		if len(left.Sorted()) == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return awaitLeaders(ctx, cl, r)
}

// awaitLeaders elects the first replica of each partition until it leads, as it can once it is in sync.
func awaitLeaders(ctx context.Context, cl *kgo.Client, r request) error {
	adm := kadm.NewClient(cl)
	partitions := kadm.TopicsSet{}
	for partition := range r.Replicas {
		partitions.Add(r.Topic, int32(partition))
	}
	for {
		found, err := adm.ListTopics(ctx, r.Topic)
		if err != nil {
			return err
		}
		right := 0
		for partition, replicas := range r.Replicas {
			p := found[r.Topic].Partitions[int32(partition)]
			if p.Err == nil && p.Leader == replicas[0] && len(p.ISR) == len(replicas) {
				right++
			}
		}
		if right == len(r.Replicas) {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%v: %w", found[r.Topic].Partitions, ctx.Err())
		}
		// That one leads already is an answer as good as any.
		if _, err := adm.ElectLeaders(ctx, kadm.ElectPreferredReplica, partitions); err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}
