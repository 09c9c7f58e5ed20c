"""librdkafka, kafka-python and aiokafka behind the interface of src/clients.rs: usage: client.py LIBRARY."""

import asyncio
import json
import logging
import re
import ssl
import sys
import time


class Refused(Exception):
    """An answer of Kafka's, by the name Kafka has for it."""

    def __init__(self, name, message):
        super().__init__(message)
        self.name = name


def value_of(request, i):
    return (request["prefix"] + str(i)).ljust(request.get("size", 0), "x").encode()


def record(topic, partition, offset, key, value, headers):
    text = lambda b: None if b is None else b.decode()
    return {"topic": topic, "partition": partition, "offset": offset, "key": text(key), "value": text(value),
            "headers": [[k, text(v)] for k, v in headers or []]}


def consumed(records, wanted, timeout):
    answer = {"records": records[:1000], "count": len(records)}
    if len(records) < wanted:
        answer |= {"ok": False, "error": "TIMEOUT", "message": f"{len(records)} of {wanted} records in {timeout} s"}
    return answer


class Librdkafka:
    def __init__(self, target):
        self.base = {"bootstrap.servers": target["bootstrap"], "security.protocol": target["protocol"],
                     "socket.timeout.ms": 10000, "error_cb": self.on_error}
        if "ca" in target:
            self.base["ssl.ca.location"] = target["ca"]
        if "key" in target:
            self.base |= {"ssl.certificate.location": target["certificate"], "ssl.key.location": target["key"]}
        if "sasl" in target:
            s = target["sasl"]
            self.base |= {"sasl.mechanism": s["mechanism"], "sasl.username": s["user"], "sasl.password": s["password"]}
        self.last_error = None

    def on_error(self, error):
        self.last_error = error
        print(error, file=sys.stderr)

    def check(self, error):
        if error is not None:
            raise Refused(self.name(error), error.str())

    def name(self, error):
        """Names of local errors begin with an underscore: what the last one on the connection was tells more."""
        if error.name() in ("_TIMED_OUT", "_MSG_TIMED_OUT", "_ALL_BROKERS_DOWN", "_TRANSPORT") and self.last_error is not None:
            if self.last_error.name() == "_AUTHENTICATION":
                return "SASL_AUTHENTICATION_FAILED"
        return {"_TIMED_OUT": "TIMEOUT", "_MSG_TIMED_OUT": "TIMEOUT", "_AUTHENTICATION": "SASL_AUTHENTICATION_FAILED",
                "UNKNOWN_TOPIC_OR_PART": "UNKNOWN_TOPIC_OR_PARTITION", "_UNKNOWN_TOPIC": "UNKNOWN_TOPIC_OR_PARTITION",
                }.get(error.name(), error.name())

    def run(self, request):
        from confluent_kafka import KafkaException
        try:
            return getattr(self, request["verb"].replace("-", "_"))(request, request["timeout"])
        except KafkaException as e:
            raise Refused(self.name(e.args[0]), e.args[0].str()) from e

    def admin(self):
        """Kept: futures of a client that is collected fail."""
        from confluent_kafka.admin import AdminClient
        self.kept = AdminClient(self.base)
        return self.kept

    def create_topic(self, request, timeout):
        from confluent_kafka.admin import NewTopic
        admin, topic = self.admin(), request["topic"]
        new = NewTopic(topic, request["partitions"], request["replication"])
        admin.create_topics([new], operation_timeout=timeout)[topic].result(timeout)
        end = time.time() + timeout
        while time.time() < end:
            found = admin.list_topics(topic, timeout=timeout).topics[topic]
            if found.error is None and found.partitions and all(p.leader >= 0 for p in found.partitions.values()):
                return {}
            time.sleep(0.05)
        raise Refused("TIMEOUT", "the topic has no leaders")

    def delete_topic(self, request, timeout):
        self.admin().delete_topics([request["topic"]], operation_timeout=timeout)[request["topic"]].result(timeout)
        return {}

    def list_topics(self, request, timeout):
        topics = self.admin().list_topics(timeout=timeout).topics
        return {"topics": sorted(t for t in topics if not t.startswith("__"))}

    def describe_topic(self, request, timeout):
        found = self.admin().list_topics(request["topic"], timeout=timeout).topics[request["topic"]]
        self.check(found.error)
        return {"partitions": [{"partition": p.id, "leader": p.leader, "replicas": list(p.replicas), "isr": sorted(p.isrs)}
                               for p in sorted(found.partitions.values(), key=lambda p: p.id)]}

    def describe_cluster(self, request, timeout):
        found = self.admin().describe_cluster(request_timeout=timeout).result(timeout)
        return {"cluster_id": found.cluster_id, "controller": found.controller.id if found.controller else -1,
                "brokers": [{"id": n.id, "host": n.host, "port": n.port} for n in sorted(found.nodes, key=lambda n: n.id)]}

    def fill(self, producer, request, done):
        failures = []

        def delivered(error, message):
            failures.append(error) if error else done.append(message)

        for i in range(request["count"]):
            while True:
                try:
                    producer.produce(request["topic"], value_of(request, i), str(i), on_delivery=delivered,
                                     headers=request.get("headers") or None)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(request.get("interval_ms", 0) / 1000)
        return failures

    def produce(self, request, timeout):
        from confluent_kafka import Producer
        done = []
        producer = Producer({**self.base, "acks": request["acks"], "enable.idempotence": request["acks"] == "all", "linger.ms": 5,
                             "compression.type": request["compression"], "message.timeout.ms": timeout * 1000})
        failures = self.fill(producer, request, done)
        left = producer.flush(timeout)
        if failures:
            self.check(failures[0])
        if left:
            raise Refused("TIMEOUT", f"{left} records left")
        return {"count": len(done)}

    def consume(self, request, timeout):
        from confluent_kafka import Consumer
        config = {**self.base, "group.id": request["group"], "group.protocol": request["protocol"], "auto.offset.reset": "earliest",
                  "enable.auto.commit": False, "fetch.wait.max.ms": 100,
                  "isolation.level": "read_committed" if request["read_committed"] else "read_uncommitted"}
        consumer = Consumer(config)
        records, end = [], time.time() + timeout
        try:
            consumer.subscribe([request["topic"]])
            while len(records) < request["count"] and time.time() < end:
                message = consumer.poll(0.2)
                if message is None:
                    continue
                self.check(message.error())
                records.append(record(message.topic(), message.partition(), message.offset(), message.key(), message.value(),
                                      message.headers()))
            if records:
                consumer.commit(asynchronous=False)
        finally:
            consumer.close()
        return consumed(records, request["count"], timeout)

    def transaction(self, request, timeout):
        from confluent_kafka import Producer
        producer = Producer({**self.base, "transactional.id": request["id"], "linger.ms": 5})
        producer.init_transactions(timeout)
        producer.begin_transaction()
        failures = self.fill(producer, request, [])
        if request["commit"]:
            producer.commit_transaction(timeout)
        else:
            producer.flush(timeout)
            producer.abort_transaction(timeout)
        if failures:
            self.check(failures[0])
        return {"count": request["count"]}


def snake(error):
    """TopicAuthorizationFailedError -> TOPIC_AUTHORIZATION_FAILED, as kafka-python and aiokafka name their errors."""
    name = type(error).__name__
    if name in ("KafkaTimeoutError", "TimeoutError"):
        return "TIMEOUT"
    name = re.sub(r"Error$", "", name)
    return {"AUTHENTICATION_FAILED": "SASL_AUTHENTICATION_FAILED"}.get(
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper(), re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper())


def tls(target):
    context = ssl.create_default_context(cafile=target.get("ca"))
    if "key" in target:
        context.load_cert_chain(target["certificate"], target["key"])
    return context


class KafkaPython:
    def __init__(self, target):
        self.base = {"bootstrap_servers": target["bootstrap"].split(","), "security_protocol": target["protocol"]}
        if "SSL" in target["protocol"]:
            self.base["ssl_context"] = tls(target)
        if "sasl" in target:
            s = target["sasl"]
            self.base |= {"sasl_mechanism": s["mechanism"], "sasl_plain_username": s["user"], "sasl_plain_password": s["password"]}

    def run(self, request):
        try:
            return getattr(self, request["verb"].replace("-", "_"))(request, request["timeout"])
        except Exception as e:
            raise Refused(snake(e), repr(e)) from e

    def admin(self):
        from kafka import KafkaAdminClient
        return KafkaAdminClient(**self.base)

    def create_topic(self, request, timeout):
        from kafka.admin import NewTopic
        admin = self.admin()
        try:
            admin.create_topics([NewTopic(request["topic"], request["partitions"], request["replication"])], timeout_ms=timeout * 1000)
            end = time.time() + timeout
            while time.time() < end:
                found = admin.describe_topics([request["topic"]])[0]
                partitions = found["partitions"]
                if found["error_code"] == 0 and len(partitions) == request["partitions"] and \
                        all(p["leader_id"] >= 0 for p in partitions):
                    return {}
                time.sleep(0.05)
            raise Refused("TIMEOUT", "the topic has no leaders")
        finally:
            admin.close()

    def delete_topic(self, request, timeout):
        admin = self.admin()
        try:
            admin.delete_topics([request["topic"]], timeout_ms=timeout * 1000)
        finally:
            admin.close()
        return {}

    def list_topics(self, request, timeout):
        admin = self.admin()
        try:
            return {"topics": sorted(t for t in admin.list_topics() if not t.startswith("__"))}
        finally:
            admin.close()

    def describe_topic(self, request, timeout):
        from kafka.errors import for_code
        admin = self.admin()
        try:
            found = admin.describe_topics([request["topic"]])[0]
        finally:
            admin.close()
        if found["error_code"]:
            raise for_code(found["error_code"])
        return {"partitions": [{"partition": p["partition_index"], "leader": p["leader_id"], "replicas": p["replica_nodes"],
                                "isr": sorted(p["isr_nodes"])} for p in sorted(found["partitions"], key=lambda p: p["partition_index"])]}

    def describe_cluster(self, request, timeout):
        admin = self.admin()
        try:
            found = admin.describe_cluster()
        finally:
            admin.close()
        brokers = sorted(found["brokers"], key=lambda b: b.get("node_id", b.get("broker_id")))
        return {"cluster_id": found.get("cluster_id"), "controller": found.get("controller_id", -1),
                "brokers": [{"id": b.get("node_id", b.get("broker_id")), "host": b["host"], "port": b["port"]} for b in brokers]}

    def send(self, producer, request, timeout):
        headers = [(k, v.encode()) for k, v in request.get("headers", [])]
        sent = []
        for i in range(request["count"]):
            sent.append(producer.send(request["topic"], value_of(request, i), str(i).encode(), headers=headers))
            time.sleep(request.get("interval_ms", 0) / 1000)
        producer.flush(timeout)
        return sent

    def produce(self, request, timeout):
        from kafka import KafkaProducer
        acks = request["acks"] if request["acks"] == "all" else int(request["acks"])
        compression = None if request["compression"] == "none" else request["compression"]
        producer = KafkaProducer(**self.base, acks=acks, enable_idempotence=acks == "all", compression_type=compression,
                                 max_block_ms=timeout * 1000)
        try:
            sent = self.send(producer, request, timeout)
            for future in sent:
                future.get(timeout)
        finally:
            producer.close(5)
        return {"count": len(sent)}

    def consume(self, request, timeout):
        from kafka.errors import RebalanceInProgressError
        end = time.time() + timeout
        while True:
            # 3.0.12 joins anew when the metadata changes shortly after the first join, more often on a busy machine, and
            # sometimes never comes out of it, with or without a gateway: then another member starts over.
            until = min(end, time.time() + 15)
            try:
                records = self.consume_once(request, until)
            except RebalanceInProgressError:
                if time.time() >= end:
                    raise
                continue
            if len(records) >= request["count"] or time.time() >= end:
                return consumed(records, request["count"], timeout)

    def consume_once(self, request, end):
        from kafka import KafkaConsumer
        from kafka.errors import RebalanceInProgressError
        consumer = KafkaConsumer(**self.base, group_id=request["group"], auto_offset_reset="earliest",
                                 enable_auto_commit=False, fetch_max_wait_ms=100, session_timeout_ms=10000,
                                 heartbeat_interval_ms=3000, max_poll_interval_ms=10000,
                                 isolation_level="read_committed" if request["read_committed"] else "read_uncommitted")
        records = []
        try:
            # 3.0.12 can join before it knows the topic, assigns itself nothing, and hangs in the join that would mend it.
            consumer.partitions_for_topic(request["topic"])
            consumer.subscribe([request["topic"]])
            while len(records) < request["count"] and time.time() < end:
                for batch in consumer.poll(200).values():
                    records += [record(r.topic, r.partition, r.offset, r.key, r.value, r.headers) for r in batch]
            while len(records) >= request["count"]:
                try:
                    consumer.commit()
                    break
                # It asks to be polled until its rebalance is over.
                except RebalanceInProgressError:
                    if time.time() >= end:
                        raise
                    for batch in consumer.poll(200).values():
                        records += [record(r.topic, r.partition, r.offset, r.key, r.value, r.headers) for r in batch]
        finally:
            consumer.close()
        return records

    def transaction(self, request, timeout):
        from kafka import KafkaProducer
        producer = KafkaProducer(**self.base, transactional_id=request["id"], acks="all", enable_idempotence=True,
                                 max_block_ms=timeout * 1000)
        try:
            producer.init_transactions()
            producer.begin_transaction()
            self.send(producer, request, timeout)
            if request["commit"]:
                producer.commit_transaction()
            else:
                producer.abort_transaction()
        finally:
            producer.close(5)
        return {"count": request["count"]}


class Aiokafka(KafkaPython):
    def __init__(self, target):
        super().__init__(target)
        self.base["bootstrap_servers"] = target["bootstrap"]

    def run(self, request):
        try:
            work = getattr(self, request["verb"].replace("-", "_"))
            return asyncio.run(asyncio.wait_for(work(request, request["timeout"]), request["timeout"] + 20))
        except Refused:
            raise
        except Exception as e:
            raise Refused(snake(e), repr(e)) from e

    async def with_admin(self, work):
        from aiokafka.admin import AIOKafkaAdminClient
        admin = AIOKafkaAdminClient(**self.base)
        await admin.start()
        try:
            return await work(admin)
        finally:
            await admin.close()

    async def create_topic(self, request, timeout):
        from aiokafka.admin import NewTopic
        from aiokafka.errors import for_code

        async def work(admin):
            answer = await admin.create_topics([NewTopic(request["topic"], request["partitions"], request["replication"])])
            for topic_error in answer.topic_errors:
                if topic_error[1]:
                    raise for_code(topic_error[1])(topic_error[2])
            end = time.time() + timeout
            while time.time() < end:
                found = (await admin.describe_topics([request["topic"]]))[0]
                if found["error_code"] == 0 and len(found["partitions"]) == request["partitions"] and \
                        all(p["leader"] >= 0 for p in found["partitions"]):
                    return {}
                await asyncio.sleep(0.05)
            raise Refused("TIMEOUT", "the topic has no leaders")
        return await self.with_admin(work)

    async def delete_topic(self, request, timeout):
        from aiokafka.errors import for_code

        async def work(admin):
            answer = await admin.delete_topics([request["topic"]])
            for _, code in answer.topic_error_codes:
                if code:
                    raise for_code(code)()
            return {}
        return await self.with_admin(work)

    async def list_topics(self, request, timeout):
        async def work(admin):
            return {"topics": sorted(t for t in await admin.list_topics() if not t.startswith("__"))}
        return await self.with_admin(work)

    async def describe_topic(self, request, timeout):
        from aiokafka.errors import for_code

        async def work(admin):
            found = (await admin.describe_topics([request["topic"]]))[0]
            if found["error_code"]:
                raise for_code(found["error_code"])()
            return {"partitions": [{"partition": p["partition"], "leader": p["leader"], "replicas": p["replicas"], "isr": sorted(p["isr"])}
                                   for p in sorted(found["partitions"], key=lambda p: p["partition"])]}
        return await self.with_admin(work)

    async def describe_cluster(self, request, timeout):
        async def work(admin):
            found = await admin.describe_cluster()
            return {"cluster_id": found.get("cluster_id"), "controller": found.get("controller_id", -1),
                    "brokers": [{"id": b["node_id"], "host": b["host"], "port": b["port"]}
                                for b in sorted(found["brokers"], key=lambda b: b["node_id"])]}
        return await self.with_admin(work)

    async def send_all(self, producer, request):
        headers = [(k, v.encode()) for k, v in request.get("headers", [])]
        sent = []
        for i in range(request["count"]):
            sent.append(await producer.send(request["topic"], value_of(request, i), str(i).encode(), headers=headers))
            if request.get("interval_ms"):
                await asyncio.sleep(request["interval_ms"] / 1000)
        await asyncio.gather(*sent)

    async def produce(self, request, timeout):
        from aiokafka import AIOKafkaProducer
        acks = request["acks"] if request["acks"] == "all" else int(request["acks"])
        compression = None if request["compression"] == "none" else request["compression"]
        producer = AIOKafkaProducer(**self.base, acks=acks, enable_idempotence=acks == "all", compression_type=compression)
        await producer.start()
        try:
            await asyncio.wait_for(self.send_all(producer, request), timeout)
        finally:
            await producer.stop()
        return {"count": request["count"]}

    async def consume(self, request, timeout):
        from aiokafka import AIOKafkaConsumer
        consumer = AIOKafkaConsumer(request["topic"], **self.base, group_id=request["group"], auto_offset_reset="earliest",
                                    enable_auto_commit=False, fetch_max_wait_ms=100,
                                    isolation_level="read_committed" if request["read_committed"] else "read_uncommitted")
        records, end = [], time.time() + timeout
        await consumer.start()
        try:
            while len(records) < request["count"] and time.time() < end:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    records += [record(r.topic, r.partition, r.offset, r.key, r.value, r.headers) for r in batch]
            if records:
                await consumer.commit()
        finally:
            await consumer.stop()
        return consumed(records, request["count"], timeout)

    async def transaction(self, request, timeout):
        from aiokafka import AIOKafkaProducer
        producer = AIOKafkaProducer(**self.base, transactional_id=request["id"], acks="all")
        await producer.start()
        try:
            await producer.begin_transaction()
            await asyncio.wait_for(self.send_all(producer, request), timeout)
            await (producer.commit_transaction() if request["commit"] else producer.abort_transaction())
        finally:
            await producer.stop()
        return {"count": request["count"]}


def main():
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    library = {"librdkafka": Librdkafka, "kafka-python": KafkaPython, "aiokafka": Aiokafka}[sys.argv[1]]
    client = library(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        try:
            answer = {"ok": True} | client.run(json.loads(line))
        except Refused as e:
            answer = {"ok": False, "error": e.name, "message": str(e)}
        except Exception as e:
            answer = {"ok": False, "error": type(e).__name__, "message": repr(e)}
        print(json.dumps(answer), flush=True)


main()
