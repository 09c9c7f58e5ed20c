//! Every client does its work directly against real brokers, on the SASL_SSL listener and by the brokers' own names.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that tells its timings")]

use std::time::Instant;

use testkit::{Client, Group, KafkaCluster, Listener, Target, User, Verb, differing_steps};

#[test]
fn every_client_round_trips_and_refusals_have_kafkas_names() {
    let kafka = KafkaCluster::builder().name("rt").brokers(3).start().unwrap();
    kafka.warm_up().unwrap();
    let target = Target::direct(&kafka, Listener::SaslSsl).scram(User::ADMIN);
    for client in Client::ALL {
        let began = Instant::now();
        let topic = format!("topic-{client}");
        let mut session = client.session(&target).unwrap();
        let mut run = |verb: Verb| {
            let began = Instant::now();
            let outcome = session.run(&verb).unwrap().expect_ok().unwrap();
            println!("  {} {:.1?}", verb.name(), began.elapsed());
            outcome
        };

        run(Verb::create_topic(&topic, 3, 3));
        assert!(run(Verb::ListTopics).topics().contains(&topic.as_str()), "{client}");
        assert_eq!(run(Verb::describe_topic(&topic)).json["partitions"].as_array().unwrap().len(), 3, "{client}");
        let cluster = run(Verb::DescribeCluster);
        assert_eq!(cluster.json["brokers"][2]["host"], "broker-2-rt.kafka.test", "{client}: {}", cluster.json);
        assert_eq!(run(Verb::produce(&topic, 200)).count(), 200, "{client}");
        for protocol in [Group::Classic, Group::Consumer, Group::Share] {
            let consume = Verb::consume(&topic, &format!("{client}-{protocol:?}"), protocol, 200);
            if client.supports(&consume) {
                let mut values =
                    run(consume).values().iter().map(|v| v[1..].parse::<u32>().unwrap()).collect::<Vec<_>>();
                values.sort_unstable();
                values.dedup();
                assert_eq!(values, (0..200).collect::<Vec<_>>(), "{client} {protocol:?}");
            }
        }
        run(Verb::transaction(&topic, &format!("txn-{client}"), 5, false));
        run(Verb::transaction(&topic, &format!("txn-{client}"), 5, true));
        let mut committed = Verb::consume(&topic, &format!("{client}-committed"), Group::Classic, 205);
        if let Verb::Consume { read_committed, .. } = &mut committed {
            *read_committed = true;
        }
        let seen = run(committed);
        assert!(seen.values().iter().all(|value| !value.starts_with("aborted")), "{client}");
        run(Verb::delete_topic(&topic));
        println!("{client}: {:.1?}", began.elapsed());
    }

    Client::Java.run(&target, &Verb::create_topic("closed", 1, 3)).unwrap().expect_ok().unwrap();
    let bob = Target::direct(&kafka, Listener::SaslSsl).plain(User::BOB);
    for client in Client::ALL {
        // Not idempotent: aiokafka stops at InitProducerId, which wants rights of its own.
        let mut produce = Verb::produce("closed", 1);
        if let Verb::Produce { acks, .. } = &mut produce {
            *acks = "1";
        }
        client.run(&bob, &produce).unwrap().expect_error("TOPIC_AUTHORIZATION_FAILED").unwrap();
    }
    let stranger = Target::direct(&kafka, Listener::SaslSsl).plain(User { name: "mallory", password: "x" });
    for client in Client::ALL {
        let refused = client.run(&stranger, &Verb::produce("closed", 1)).unwrap();
        println!("{client}, wrong password: {} {}", refused.error(), refused.json["message"]);
        assert!(!refused.ok(), "{client}");
    }
}

#[test]
fn older_brokers_and_other_listeners() {
    for version in ["3.9.2", "3.7.1"] {
        let kafka = KafkaCluster::builder().version(version).start().unwrap();
        kafka.warm_up().unwrap();
        for client in Client::ALL {
            let mut session =
                client.session(&Target::direct(&kafka, Listener::SaslSsl).sasl("SCRAM-SHA-256", User::ADMIN)).unwrap();
            let mut run = |verb: Verb| session.run(&verb).unwrap().expect_ok().unwrap();
            run(Verb::create_topic(client.name(), 1, 1));
            run(Verb::produce(client.name(), 10));
            run(Verb::consume(client.name(), "group", Group::Classic, 10));
        }
        let identity = kafka.ca().client(&[(rcgen::DnType::CommonName, "mtls")]).unwrap();
        let mtls = Target::direct(&kafka, Listener::Ssl).identity(identity);
        for target in [mtls, Target::direct(&kafka, Listener::SaslPlaintext).plain(User::ALICE)] {
            Client::Go
                .run(&target, &Verb::produce("java", 1))
                .unwrap()
                .expect_error("TOPIC_AUTHORIZATION_FAILED")
                .unwrap();
        }
        Client::Go
            .run(&Target::direct(&kafka, Listener::Plaintext), &Verb::produce("java", 1))
            .unwrap()
            .expect_ok()
            .unwrap();
    }
}

/// Twice on one cluster the script's steps read the same: what is left of a difference is the gateway's.
#[test]
fn the_differential_script_repeats_itself() {
    let kafka = KafkaCluster::builder().name("diff").brokers(3).start().unwrap();
    kafka.warm_up().unwrap();
    let mut session = Client::Java.session(&Target::direct(&kafka, Listener::SaslSsl).scram(User::ADMIN)).unwrap();
    let mut script =
        |prefix: String| session.run(&Verb::Differential { prefix, replication: 3, timeout: 120 })?.expect_ok();
    let differing = differing_steps(|round| Ok((script(format!("one-{round}-"))?, script(format!("other-{round}-"))?)));
    let differing = differing.unwrap();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
