import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeSet;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnknownServerException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Reads the target, then one request per line, and answers each with one line. See src/clients.rs. */
public final class Client {
    static final ObjectMapper JSON = new ObjectMapper();

    final Properties base = new Properties();

    Client(JsonNode target) {
        base.put("bootstrap.servers", target.get("bootstrap").asText());
        base.put("security.protocol", target.get("protocol").asText());
        if (target.has("ca")) {
            base.put("ssl.truststore.type", "PEM");
            base.put("ssl.truststore.location", target.get("ca").asText());
        }
        if (target.has("keystore")) {
            base.put("ssl.keystore.type", "PEM");
            base.put("ssl.keystore.location", target.get("keystore").asText());
        }
        JsonNode sasl = target.get("sasl");
        if (sasl != null) {
            String mechanism = sasl.get("mechanism").asText();
            String module = mechanism.equals("PLAIN") ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
            base.put("sasl.mechanism", mechanism);
            base.put("sasl.jaas.config", String.format("org.apache.kafka.common.security.%s required username=\"%s\" password=\"%s\";",
                module, sasl.get("user").asText(), sasl.get("password").asText()));
        }
    }

    public static void main(String[] args) throws Exception {
        if (args.length > 0 && args[0].equals("--load-classes")) {
            loadClasses();
            return;
        }
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Client client = new Client(JSON.readTree(in.readLine()));
        for (String line; (line = in.readLine()) != null; ) {
            ObjectNode answer = JSON.createObjectNode();
            try {
                client.handle(JSON.readTree(line), answer);
                if (!answer.has("ok")) answer.put("ok", true);
            } catch (Throwable e) {
                answer.put("ok", false).put("error", errorName(e)).put("message", String.valueOf(cause(e)));
            }
            System.out.println(answer);
            System.out.flush();
        }
        System.exit(0);
    }

    /** Touches what a run needs, against a port where nothing listens, for the class-data archive. */
    private static void loadClasses() throws Exception {
        Client client = new Client(JSON.readTree("{\"bootstrap\":\"127.0.0.1:1\",\"protocol\":\"PLAINTEXT\"}"));
        String[] requests = {
            "{\"verb\":\"list-topics\",\"timeout\":1}",
            "{\"verb\":\"produce\",\"topic\":\"t\",\"count\":1,\"prefix\":\"v\",\"acks\":\"all\",\"compression\":\"none\",\"timeout\":1}",
            "{\"verb\":\"consume\",\"topic\":\"t\",\"group\":\"g\",\"protocol\":\"classic\",\"count\":1,\"timeout\":1}",
            "{\"verb\":\"consume\",\"topic\":\"t\",\"group\":\"g\",\"protocol\":\"consumer\",\"count\":1,\"timeout\":1}",
        };
        for (String request : requests) {
            try {
                client.handle(JSON.readTree(request), JSON.createObjectNode());
            } catch (Throwable expected) {
                System.err.println(expected);
            }
        }
    }

    static Throwable cause(Throwable e) {
        while ((e instanceof ExecutionException || e instanceof CompletionException) && e.getCause() != null) e = e.getCause();
        return e;
    }

    static String errorName(Throwable thrown) {
        Throwable e = cause(thrown);
        if (e instanceof TimeoutException) return "TIMEOUT";
        Errors error = Errors.forException(e);
        if (error == Errors.UNKNOWN_SERVER_ERROR && !(e instanceof UnknownServerException)) {
            return e.getCause() != null && e.getCause() != e && !(e.getCause() instanceof RuntimeException == false)
                ? errorName(e.getCause()) : e.getClass().getSimpleName();
        }
        return error.name();
    }

    Properties with(Object... pairs) {
        Properties properties = new Properties();
        properties.putAll(base);
        for (int i = 0; i < pairs.length; i += 2) properties.put(pairs[i], pairs[i + 1]);
        return properties;
    }

    Admin admin(int timeout) {
        return Admin.create(with("default.api.timeout.ms", timeout * 1000, "request.timeout.ms", Math.min(timeout * 1000, 10_000)));
    }

    KafkaProducer<String, String> producer(int timeout, Object... more) {
        Properties properties = with("max.block.ms", timeout * 1000, "delivery.timeout.ms", timeout * 1000 + 5,
            "request.timeout.ms", Math.min(timeout * 1000, 10_000), "linger.ms", 5,
            "key.serializer", StringSerializer.class, "value.serializer", StringSerializer.class);
        for (int i = 0; i < more.length; i += 2) properties.put(more[i], more[i + 1]);
        return new KafkaProducer<>(properties);
    }

    KafkaConsumer<String, String> consumer(String group, String protocol, Object... more) {
        Properties properties = with("group.id", group, "group.protocol", protocol, "auto.offset.reset", "earliest",
            "enable.auto.commit", "false", "fetch.max.wait.ms", 100,
            "key.deserializer", StringDeserializer.class, "value.deserializer", StringDeserializer.class);
        for (int i = 0; i < more.length; i += 2) properties.put(more[i], more[i + 1]);
        return new KafkaConsumer<>(properties);
    }

    KafkaShareConsumer<String, String> shareConsumer(String group) {
        return new KafkaShareConsumer<>(with("group.id", group, "fetch.max.wait.ms", 100,
            "key.deserializer", StringDeserializer.class, "value.deserializer", StringDeserializer.class));
    }

    void handle(JsonNode request, ObjectNode answer) throws Exception {
        int timeout = request.get("timeout").asInt();
        String topic = request.path("topic").asText();
        switch (request.get("verb").asText()) {
            case "create-topic": {
                try (Admin admin = admin(timeout)) {
                    NewTopic wanted = new NewTopic(topic, request.get("partitions").asInt(), (short) request.get("replication").asInt());
                    admin.createTopics(List.of(wanted)).all().get();
                    awaitTopic(admin, topic, timeout);
                }
                break;
            }
            case "delete-topic": {
                try (Admin admin = admin(timeout)) {
                    admin.deleteTopics(List.of(topic)).all().get();
                }
                break;
            }
            case "list-topics": {
                try (Admin admin = admin(timeout)) {
                    ArrayNode topics = answer.putArray("topics");
                    new TreeSet<>(admin.listTopics().names().get()).forEach(topics::add);
                }
                break;
            }
            case "describe-topic": {
                try (Admin admin = admin(timeout)) {
                    describe(admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic), answer);
                }
                break;
            }
            case "describe-cluster": {
                try (Admin admin = admin(timeout)) {
                    var cluster = admin.describeCluster();
                    answer.put("cluster_id", cluster.clusterId().get());
                    answer.put("controller", Optional.ofNullable(cluster.controller().get()).map(Node::id).orElse(-1));
                    ArrayNode brokers = answer.putArray("brokers");
                    cluster.nodes().get().stream().sorted((a, b) -> a.id() - b.id())
                        .forEach(n -> brokers.addObject().put("id", n.id()).put("host", n.host()).put("port", n.port()));
                }
                break;
            }
            case "produce": produce(request, answer, topic, timeout); break;
            case "consume": consume(request, answer, topic, timeout); break;
            case "transaction": transaction(request, answer, topic, timeout); break;
            case "differential":
                new Differential(this, request.get("prefix").asText(), (short) request.get("replication").asInt(), timeout).run(answer);
                break;
            default: throw new IllegalArgumentException("unknown verb " + request.get("verb"));
        }
    }

    /** A topic is known to the controller before every broker has heard of it. */
    static void awaitTopic(Admin admin, String topic, int timeout) throws Exception {
        long end = System.nanoTime() + timeout * 1_000_000_000L;
        while (true) {
            try {
                TopicDescription found = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
                if (found.partitions().stream().allMatch(p -> p.leader() != null && !p.leader().isEmpty())) return;
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof UnknownTopicOrPartitionException) || System.nanoTime() > end) throw e;
            }
            Thread.sleep(50);
        }
    }

    static void describe(TopicDescription found, ObjectNode answer) {
        answer.put("topic_id", found.topicId().toString());
        ArrayNode partitions = answer.putArray("partitions");
        found.partitions().forEach(p -> {
            ObjectNode node = partitions.addObject().put("partition", p.partition()).put("leader", p.leader() == null ? -1 : p.leader().id());
            ArrayNode replicas = node.putArray("replicas");
            p.replicas().forEach(n -> replicas.add(n.id()));
            ArrayNode isr = node.putArray("isr");
            p.isr().stream().map(Node::id).sorted().forEach(isr::add);
        });
    }

    static ProducerRecord<String, String> record(JsonNode request, String topic, int i) {
        StringBuilder value = new StringBuilder(request.get("prefix").asText()).append(i);
        while (value.length() < request.path("size").asInt()) value.append('x');
        ProducerRecord<String, String> record = new ProducerRecord<>(topic, String.valueOf(i), value.toString());
        for (JsonNode header : request.path("headers")) {
            record.headers().add(header.get(0).asText(), header.get(1).asText().getBytes(StandardCharsets.UTF_8));
        }
        return record;
    }

    private void produce(JsonNode request, ObjectNode answer, String topic, int timeout) throws Exception {
        AtomicInteger acknowledged = new AtomicInteger();
        AtomicReference<Exception> failure = new AtomicReference<>();
        String acks = request.get("acks").asText();
        try (var producer = producer(timeout, "acks", acks, "enable.idempotence", String.valueOf(acks.equals("all")),
                "compression.type", request.get("compression").asText())) {
            for (int i = 0; i < request.get("count").asInt() && failure.get() == null; i++) {
                producer.send(record(request, topic, i), (metadata, e) -> {
                    if (e == null) acknowledged.incrementAndGet();
                    else failure.compareAndSet(null, e);
                });
                if (request.path("interval_ms").asInt() > 0) Thread.sleep(request.get("interval_ms").asInt());
            }
            producer.flush();
        }
        answer.put("count", acknowledged.get());
        if (failure.get() != null) throw failure.get();
    }

    private static void add(ObjectNode answer, ConsumerRecord<String, String> record) {
        ArrayNode records = (ArrayNode) answer.get("records");
        if (records.size() >= 1000) return;
        ObjectNode node = records.addObject().put("topic", record.topic()).put("partition", record.partition())
            .put("offset", record.offset()).put("key", record.key()).put("value", record.value());
        ArrayNode headers = node.putArray("headers");
        for (Header header : record.headers()) {
            headers.addArray().add(header.key()).add(header.value() == null ? null : new String(header.value(), StandardCharsets.UTF_8));
        }
    }

    private interface Poll {
        ConsumerRecords<String, String> poll(Duration limit);
    }

    private static void collect(JsonNode request, ObjectNode answer, int timeout, Poll poll, Runnable commit) {
        answer.putArray("records");
        int count = 0;
        int wanted = request.get("count").asInt();
        long end = System.nanoTime() + timeout * 1_000_000_000L;
        do {
            var polled = poll.poll(Duration.ofMillis(200));
            for (var record : polled) {
                add(answer, record);
                count++;
            }
            if (!polled.isEmpty()) commit.run();
            answer.put("count", count);
        } while (count < wanted && System.nanoTime() < end);
        if (count < wanted) {
            answer.put("ok", false).put("error", "TIMEOUT").put("message", count + " of " + wanted + " records in " + timeout + " s");
        }
    }

    private void consume(JsonNode request, ObjectNode answer, String topic, int timeout) throws Exception {
        String group = request.get("group").asText();
        String protocol = request.get("protocol").asText();
        if (protocol.equals("share")) {
            startShareGroupAtEarliest(group, timeout);
            try (var consumer = shareConsumer(group)) {
                consumer.subscribe(List.of(topic));
                collect(request, answer, timeout, consumer::poll, consumer::commitSync);
            }
            return;
        }
        String isolation = request.path("read_committed").asBoolean() ? "read_committed" : "read_uncommitted";
        try (var consumer = consumer(group, protocol, "isolation.level", isolation)) {
            consumer.subscribe(List.of(topic));
            collect(request, answer, timeout, consumer::poll, consumer::commitSync);
        }
    }

    /** A share group begins at the latest offset unless its own configuration says otherwise. */
    void startShareGroupAtEarliest(String group, int timeout) {
        try (Admin admin = admin(timeout)) {
            Collection<AlterConfigOp> set =
                List.of(new AlterConfigOp(new ConfigEntry("share.auto.offset.reset", "earliest"), AlterConfigOp.OpType.SET));
            admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.GROUP, group), set)).all().get();
        } catch (Exception e) {
            System.err.println("share.auto.offset.reset stays as it is: " + cause(e));
        }
    }

    private void transaction(JsonNode request, ObjectNode answer, String topic, int timeout) throws Exception {
        int count = request.get("count").asInt();
        try (var producer = producer(timeout, "transactional.id", request.get("id").asText())) {
            producer.initTransactions();
            producer.beginTransaction();
            Exception failure = null;
            for (int i = 0; i < count; i++) producer.send(record(request, topic, i));
            if (request.get("commit").asBoolean()) {
                producer.commitTransaction();
            } else {
                producer.flush();
                producer.abortTransaction();
            }
        }
        answer.put("count", count);
    }
}
