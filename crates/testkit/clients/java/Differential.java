import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ExpireDelegationTokenOptions;
import org.apache.kafka.clients.admin.FeatureUpdate;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UpdateFeaturesOptions;
import org.apache.kafka.clients.admin.UserScramCredentialDeletion;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionReplica;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.quota.ClientQuotaFilterComponent;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * A fixed script of every admin and client operation. Run directly and through a gateway, its steps must read the same:
 * what differs by run is left out or replaced, addresses are collected apart.
 */
final class Differential {
    private final Client client;
    private final String prefix;
    private final short replication;
    private final int timeout;
    private final Set<String> addresses = new TreeSet<>();
    private ArrayNode steps;

    Differential(Client client, String prefix, short replication, int timeout) {
        this.client = client;
        this.prefix = prefix;
        this.replication = replication;
        this.timeout = timeout;
    }

    private void step(String op, Callable<Object> work) {
        ObjectNode step = steps.addObject().put("op", op);
        try {
            step.put("result", normal(String.valueOf(work.call())));
        } catch (Throwable e) {
            step.put("error", Client.errorName(e)).put("message", normal(String.valueOf(Client.cause(e).getMessage())));
        }
    }

    private String normal(String text) {
        return text.replace(prefix, "PREFIX").replaceAll("(consumer|share|producer|client)-[A-Za-z0-9_-]{36,}", "$1-ID");
    }

    /** The node's id; its address goes to the list that must not show a broker's own. */
    private int id(Node node) {
        if (node == null) return -1;
        if (node.host() != null && !node.host().isEmpty()) addresses.add(node.host() + ":" + node.port());
        return node.id();
    }

    private List<Integer> ids(Collection<Node> nodes) {
        return nodes.stream().map(this::id).sorted().collect(Collectors.toList());
    }

    private static <K, V, R> Map<String, R> map(Map<K, V> from, Function<V, R> to) {
        Map<String, R> result = new TreeMap<>();
        from.forEach((key, value) -> result.put(String.valueOf(key), to.apply(value)));
        return result;
    }

    private boolean ours(String name) {
        return name.startsWith(prefix);
    }

    void run(ObjectNode answer) {
        steps = answer.putArray("steps");
        String topic = prefix + "topic";
        String other = prefix + "other";
        TopicPartition first = new TopicPartition(topic, 0);
        ConfigResource topicConfig = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        try (Admin admin = client.admin(Math.min(timeout, 30))) {
            cluster(admin);
            step("createTopics", () -> {
                admin.createTopics(List.of(new NewTopic(topic, 3, replication).configs(Map.of("retention.ms", "-1")),
                    new NewTopic(other, 1, replication))).all().get();
                Client.awaitTopic(admin, topic, 30);
                Client.awaitTopic(admin, other, 30);
                return "ok";
            });
            step("createTopics again", () -> admin.createTopics(List.of(new NewTopic(topic, 3, replication))).all().get());
            step("createTopics invalid", () -> admin.createTopics(List.of(new NewTopic(prefix + "in valid", 3, replication))).all().get());
            step("listTopics", () -> admin.listTopics().names().get().stream().filter(this::ours).sorted().collect(Collectors.toList()));
            step("describeTopics", () -> describe(admin, TopicCollection.ofTopicNames(List.of(topic, other))));
            step("describeTopics by id", () -> {
                Uuid uuid = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).topicId();
                return admin.describeTopics(TopicCollection.ofTopicIds(List.of(uuid))).allTopicIds().get().get(uuid).name();
            });
            step("describeTopics unknown", () -> describe(admin, TopicCollection.ofTopicNames(List.of(prefix + "nothing"))));
            step("createPartitions", () -> {
                admin.createPartitions(Map.of(other, NewPartitions.increaseTo(2))).all().get();
                for (int i = 0; i < 100; i++) {
                    if (admin.describeTopics(List.of(other)).allTopicNames().get().get(other).partitions().size() == 2) return 2;
                    Thread.sleep(50);
                }
                return "not seen";
            });
            step("describeConfigs topic", () -> configs(admin, topicConfig));
            step("incrementalAlterConfigs", () -> {
                Collection<AlterConfigOp> set = List.of(new AlterConfigOp(new ConfigEntry("retention.bytes", "1000000000"), AlterConfigOp.OpType.SET));
                admin.incrementalAlterConfigs(Map.of(topicConfig, set)).all().get();
                String now = configs(admin, topicConfig);
                for (int i = 0; i < 100 && !now.contains("retention.bytes=1000000000"); i++) {
                    Thread.sleep(50);
                    now = configs(admin, topicConfig);
                }
                return now;
            });
            step("listConfigResources", () -> admin.listConfigResources().all().get().stream()
                .map(ConfigResource::toString).filter(s -> s.contains(prefix)).sorted().collect(Collectors.toList()));
            records(admin, topic, other, first);
            transactions(admin, topic);
            classicGroup(admin, topic, prefix + "classic", "classic");
            classicGroup(admin, topic, prefix + "consumer", "consumer");
            shareGroup(admin, topic);
            security(admin);
            step("deleteRecords", () -> map(admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(1))).lowWatermarks(),
                f -> get(() -> f.get().lowWatermark())));
            step("deleteTopics", () -> admin.deleteTopics(List.of(other)).all().get());
            step("deleteTopics by id", () -> {
                Uuid uuid = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).topicId();
                return admin.deleteTopics(TopicCollection.ofTopicIds(List.of(uuid))).all().get();
            });
            step("deleteTopics unknown", () -> admin.deleteTopics(List.of(prefix + "nothing")).all().get());
        }
        ArrayNode seen = answer.putArray("addresses");
        addresses.forEach(seen::add);
        answer.put("count", steps.size());
    }

    private static <T> T get(Callable<T> call) {
        try {
            return call.call();
        } catch (Exception e) {
            throw new IllegalStateException(Client.errorName(e), e);
        }
    }

    /** What the call gives once it no longer fails with this error, or after five seconds. */
    private static <T> T eventually(String error, Callable<T> call) throws Exception {
        for (int i = 0; ; i++) {
            try {
                return call.call();
            } catch (Exception e) {
                if (i == 100 || !Client.errorName(e).equals(error)) throw e;
                Thread.sleep(50);
            }
        }
    }

    private Object describe(Admin admin, TopicCollection.TopicNameCollection names) throws Exception {
        return map(admin.describeTopics(names).allTopicNames().get(), d -> d.partitions().stream()
            .map(p -> p.partition() + ":" + p.replicas().size() + "/" + ids(p.isr()).size() + (id(p.leader()) >= 0 ? "+" : "-"))
            .collect(Collectors.joining(" ")));
    }

    private static String configs(Admin admin, ConfigResource resource) throws Exception {
        return admin.describeConfigs(List.of(resource)).all().get().get(resource).entries().stream()
            .map(e -> e.name() + "=" + e.value() + "(" + e.source() + ")").sorted().collect(Collectors.joining(","));
    }

    private void cluster(Admin admin) {
        step("describeCluster", () -> {
            var d = admin.describeCluster();
            return d.clusterId().get() + ids(d.nodes().get()) + (id(d.controller().get()) >= 0);
        });
        step("describeFeatures", () -> {
            var features = admin.describeFeatures().featureMetadata().get();
            return new TreeMap<>(features.supportedFeatures()) + " " + new TreeMap<>(features.finalizedFeatures());
        });
        step("updateFeatures, validate only", () -> admin.updateFeatures(
            Map.of("share.version", new FeatureUpdate((short) 1, FeatureUpdate.UpgradeType.UPGRADE)),
            new UpdateFeaturesOptions().validateOnly(true)).all().get());
        step("describeMetadataQuorum", () -> {
            var quorum = admin.describeMetadataQuorum().quorumInfo().get();
            quorum.nodes().values().forEach(n -> n.endpoints().forEach(e -> addresses.add(e.host() + ":" + e.port())));
            return quorum.voters().stream().map(v -> v.replicaId()).sorted().collect(Collectors.toList());
        });
        step("describeConfigs broker", () -> {
            Node node = admin.describeCluster().nodes().get().iterator().next();
            var resource = new ConfigResource(ConfigResource.Type.BROKER, String.valueOf(node.id()));
            return admin.describeConfigs(List.of(resource)).all().get().get(resource).get("offsets.topic.num.partitions").value();
        });
        step("describeLogDirs", () -> {
            List<Integer> nodes = ids(admin.describeCluster().nodes().get());
            return map(admin.describeLogDirs(nodes).allDescriptions().get(), d -> d.size());
        });
        step("unregisterBroker", () -> admin.unregisterBroker(9999).all().get());
        step("listPartitionReassignments", () -> admin.listPartitionReassignments().reassignments().get());
    }

    private void records(Admin admin, String topic, String other, TopicPartition first) {
        step("produce", () -> {
            List<String> offsets = new ArrayList<>();
            try (var producer = client.producer(20, "acks", "all", "compression.type", "zstd")) {
                for (int i = 0; i < 9; i++) {
                    var sent = producer.send(new ProducerRecord<>(topic, i % 3, 1_000_000L + i, "k" + i, "v" + i)).get();
                    offsets.add(sent.partition() + ":" + sent.offset());
                }
            }
            return offsets;
        });
        step("produce, acks=0", () -> {
            try (var producer = client.producer(20, "acks", "0", "enable.idempotence", "false")) {
                producer.send(new ProducerRecord<>(other, 0, "k", "v")).get();
            }
            return "sent";
        });
        step("produce to an unknown partition", () -> {
            try (var producer = client.producer(2)) {
                return producer.send(new ProducerRecord<>(topic, 99, "k", "v")).get();
            }
        });
        Map<String, OffsetSpec> specs = new TreeMap<>(Map.of("earliest", OffsetSpec.earliest(), "latest", OffsetSpec.latest(),
            "max timestamp", OffsetSpec.maxTimestamp(), "timestamp", OffsetSpec.forTimestamp(1_000_003L),
            "earliest local", OffsetSpec.earliestLocal(), "latest tiered", OffsetSpec.latestTiered()));
        specs.forEach((name, spec) -> step("listOffsets " + name, () -> {
            Map<TopicPartition, OffsetSpec> all = new HashMap<>();
            for (int p = 0; p < 3; p++) all.put(new TopicPartition(topic, p), spec);
            return map(admin.listOffsets(all).all().get(), o -> o.offset() + "@" + o.timestamp());
        }));
        step("describeProducers", () -> map(admin.describeProducers(List.of(first)).all().get(), d -> d.activeProducers().size()));
        step("describeReplicaLogDirs", () -> {
            int leader = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().get(0).leader().id();
            return admin.describeReplicaLogDirs(List.of(new TopicPartitionReplica(topic, 0, leader))).all().get().size();
        });
        step("electLeaders", () -> {
            var result = admin.electLeaders(ElectionType.PREFERRED, Set.of(first)).partitions().get();
            return map(result, e -> e.map(Client::errorName).orElse("done"));
        });
        step("alterPartitionReassignments", () -> {
            var now = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().get(0).replicas();
            var same = new NewPartitionReassignment(now.stream().map(Node::id).collect(Collectors.toList()));
            return admin.alterPartitionReassignments(Map.of(first, Optional.of(same))).all().get();
        });
        step("assign and fetch", () -> {
            try (var consumer = client.consumer(prefix + "none", "classic")) {
                List<TopicPartition> all = List.of(first, new TopicPartition(topic, 1), new TopicPartition(topic, 2));
                consumer.assign(all);
                consumer.seekToBeginning(all);
                List<String> got = new ArrayList<>();
                long end = System.nanoTime() + 20_000_000_000L;
                while (got.size() < 9 && System.nanoTime() < end) {
                    for (ConsumerRecord<String, String> r : consumer.poll(Duration.ofMillis(200))) {
                        got.add(r.partition() + ":" + r.offset() + "=" + r.key() + "/" + r.value() + "@" + r.timestamp());
                    }
                }
                got.sort(null);
                return got + " " + map(consumer.endOffsets(all), o -> o)
                    + map(consumer.offsetsForTimes(Map.of(first, 1_000_003L)), o -> o.offset())
                    + consumer.partitionsFor(topic).stream().map(p -> p.partition() + (id(p.leader()) >= 0 ? "+" : "-")).sorted().collect(Collectors.toList());
            }
        });
    }

    private void transactions(Admin admin, String topic) {
        String id = prefix + "txn";
        step("transaction committed and aborted", () -> {
            try (var producer = client.producer(20, "transactional.id", id)) {
                producer.initTransactions();
                producer.beginTransaction();
                producer.send(new ProducerRecord<>(topic, 0, "k", "committed")).get();
                producer.commitTransaction();
                producer.beginTransaction();
                producer.send(new ProducerRecord<>(topic, 0, "k", "aborted")).get();
                producer.abortTransaction();
                producer.beginTransaction();
                producer.send(new ProducerRecord<>(topic, 1, "k", "with offsets")).get();
                try (var consumer = client.consumer(prefix + "txn-group", "classic")) {
                    producer.sendOffsetsToTransaction(Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(1)), consumer.groupMetadata());
                }
                producer.commitTransaction();
            }
            return "ok";
        });
        step("read committed", () -> {
            try (var consumer = client.consumer(prefix + "none", "classic", "isolation.level", "read_committed")) {
                TopicPartition partition = new TopicPartition(topic, 0);
                consumer.assign(List.of(partition));
                consumer.seekToBeginning(List.of(partition));
                List<String> got = new ArrayList<>();
                long end = System.nanoTime() + 20_000_000_000L;
                while (!got.contains("committed") && System.nanoTime() < end) {
                    consumer.poll(Duration.ofMillis(200)).forEach(r -> got.add(r.value()));
                }
                consumer.poll(Duration.ofMillis(300)).forEach(r -> got.add(r.value()));
                return got;
            }
        });
        step("describeTransactions", () -> {
            // The markers of a commit are written after it is answered.
            var states = map(admin.describeTransactions(List.of(id)).all().get(), d -> d.state());
            for (int i = 0; i < 100 && states.toString().contains("Prepare"); i++) {
                Thread.sleep(50);
                states = map(admin.describeTransactions(List.of(id)).all().get(), d -> d.state());
            }
            return states;
        });
        step("listTransactions", () -> admin.listTransactions().all().get().stream()
            .map(t -> t.transactionalId() + " " + t.state()).filter(this::ours).sorted().collect(Collectors.toList()));
        step("fenceProducers", () -> admin.fenceProducers(List.of(id)).all().get());
        step("abortTransaction of none", () -> admin.abortTransaction(
            new AbortTransactionSpec(new TopicPartition(topic, 0), 424242L, (short) 0, 0)).all().get());
    }

    private void classicGroup(Admin admin, String topic, String group, String protocol) {
        TopicPartition first = new TopicPartition(topic, 0);
        step(protocol + " group, consume and commit", () -> {
            try (var consumer = client.consumer(group, protocol, "isolation.level", "read_committed")) {
                consumer.subscribe(List.of(topic));
                Map<String, Integer> got = new TreeMap<>();
                int count = 0;
                long end = System.nanoTime() + 40_000_000_000L;
                while (count < 11 && System.nanoTime() < end) {
                    for (var r : consumer.poll(Duration.ofMillis(200))) {
                        got.merge(r.partition() + "", 1, Integer::sum);
                        count++;
                    }
                }
                consumer.commitSync();
                var description = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
                id(description.coordinator());
                return got + " " + consumer.assignment().stream().map(TopicPartition::toString).sorted().collect(Collectors.toList())
                    + description.members().size() + description.groupState() + description.type()
                    + description.members().stream().flatMap(m -> m.assignment().topicPartitions().stream()).map(TopicPartition::toString)
                        .sorted().collect(Collectors.toList());
            }
        });
        step(protocol + " group, list", () -> admin.listGroups().all().get().stream()
            .filter(g -> ours(g.groupId())).map(g -> g.groupId() + " " + g.type()).sorted().collect(Collectors.toList()));
        if (protocol.equals("classic")) {
            step("describeClassicGroups", () -> map(admin.describeClassicGroups(List.of(group)).all().get(), d -> d.protocol()));
        }
        step(protocol + " group, offsets", () -> map(admin.listConsumerGroupOffsets(Map.of(group, new ListConsumerGroupOffsetsSpec()))
            .partitionsToOffsetAndMetadata(group).get(), o -> o.offset()));
        step(protocol + " group, remove members", () -> {
            return admin.removeMembersFromConsumerGroup(group, new RemoveMembersFromConsumerGroupOptions(Set.of(new MemberToRemove("nobody")))).all().get();
        });
        step(protocol + " group, alter offsets", () -> admin.alterConsumerGroupOffsets(group, Map.of(first, new OffsetAndMetadata(2))).all().get());
        step(protocol + " group, delete offsets", () -> admin.deleteConsumerGroupOffsets(group, Set.of(new TopicPartition(topic, 1))).all().get());
        step(protocol + " group, offsets after", () -> map(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get(), o -> o.offset()));
        step(protocol + " group, delete", () -> admin.deleteConsumerGroups(List.of(group)).all().get());
        step(protocol + " group, describe unknown", () -> admin.describeConsumerGroups(List.of(group)).all().get());
    }

    private void shareGroup(Admin admin, String topic) {
        String group = prefix + "share";
        step("share group, consume and acknowledge", () -> {
            client.startShareGroupAtEarliest(group, 20);
            try (var consumer = client.shareConsumer(group)) {
                consumer.subscribe(List.of(topic));
                Set<String> got = new TreeSet<>();
                long end = System.nanoTime() + 40_000_000_000L;
                while (got.size() < 12 && System.nanoTime() < end) {
                    consumer.poll(Duration.ofMillis(200)).forEach(r -> got.add(r.value()));
                    consumer.commitSync().values().forEach(e -> e.ifPresent(x -> got.add(Client.errorName(x))));
                }
                var description = admin.describeShareGroups(List.of(group)).all().get().get(group);
                id(description.coordinator());
                return got + " " + description.members().size() + description.groupState();
            }
        });
        // Where a share partition starts is written behind the acknowledgements, in batches: which offset it is by now varies.
        step("share group, offsets", () -> map(admin.listShareGroupOffsets(Map.of(group, new ListShareGroupOffsetsSpec()))
            .partitionsToOffsetInfo(group).get(), o -> o == null ? "none" : "some"));
        step("share group, alter offsets", () -> admin.alterShareGroupOffsets(group, Map.of(new TopicPartition(topic, 0), 0L)).all().get());
        step("share group, delete offsets", () -> admin.deleteShareGroupOffsets(group, Set.of(topic)).all().get());
        step("share group, delete", () -> admin.deleteShareGroups(List.of(group)).all().get());
        step("streams group, describe unknown", () -> admin.describeStreamsGroups(List.of(prefix + "streams")).all().get());
    }

    private void security(Admin admin) {
        AclBinding acl = new AclBinding(new ResourcePattern(ResourceType.TOPIC, prefix + "acl", PatternType.PREFIXED),
            new AccessControlEntry("User:carol", "*", AclOperation.READ, AclPermissionType.ALLOW));
        step("createAcls", () -> admin.createAcls(List.of(acl)).all().get());
        step("describeAcls", () -> {
            // The one answer that has it: the next call may ask a broker that has not heard of it yet.
            var found = admin.describeAcls(acl.toFilter()).values().get();
            for (int i = 0; i < 100 && found.isEmpty(); i++) {
                Thread.sleep(50);
                found = admin.describeAcls(acl.toFilter()).values().get();
            }
            return found;
        });
        step("deleteAcls", () -> admin.deleteAcls(List.of(acl.toFilter())).all().get());
        ClientQuotaEntity entity = new ClientQuotaEntity(Map.of(ClientQuotaEntity.USER, prefix + "user"));
        step("alterClientQuotas", () -> admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity,
            List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 1e6))))).all().get());
        step("describeClientQuotas", () -> {
            var filter = ClientQuotaFilter.containsOnly(List.of(ClientQuotaFilterComponent.ofEntity(ClientQuotaEntity.USER, prefix + "user")));
            var found = admin.describeClientQuotas(filter).entities().get();
            for (int i = 0; i < 100 && found.isEmpty(); i++) {
                Thread.sleep(50);
                found = admin.describeClientQuotas(filter).entities().get();
            }
            return found;
        });
        step("alterUserScramCredentials", () -> admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(
            prefix + "user", new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), "secret"))).all().get());
        step("describeUserScramCredentials", () -> {
            // A broker that has heard of the user only, or of neither, answers otherwise for a moment.
            for (int i = 0; ; i++) {
                try {
                    var found = admin.describeUserScramCredentials(List.of(prefix + "user")).all().get();
                    if (i == 100 || found.values().stream().noneMatch(user -> user.credentialInfos().isEmpty())) return found;
                } catch (Exception e) {
                    if (i == 100) throw e;
                }
                Thread.sleep(50);
            }
        });
        step("alterUserScramCredentials, delete", () -> admin.alterUserScramCredentials(List.of(
            new UserScramCredentialDeletion(prefix + "user", ScramMechanism.SCRAM_SHA_256))).all().get());
        step("delegation token", () -> {
            var token = admin.createDelegationToken().delegationToken().get();
            String owner = token.tokenInfo().ownerAsString();
            for (int i = 0; i < 100 && admin.describeDelegationToken().delegationTokens().get().stream()
                .noneMatch(t -> t.tokenInfo().tokenId().equals(token.tokenInfo().tokenId())); i++) Thread.sleep(50);
            // The controller too hears of its own token a moment later.
            long renewed = eventually("DELEGATION_TOKEN_NOT_FOUND", () -> admin.renewDelegationToken(token.hmac()).expiryTimestamp().get());
            admin.expireDelegationToken(token.hmac(), new ExpireDelegationTokenOptions().expiryTimePeriodMs(-1)).expiryTimestamp().get();
            return owner + (renewed > 0);
        });
    }
}
