//! Makes valid messages from the definitions alone, with an encoder that shares nothing with the crate's.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic)]

use kafka::ApiKey;
use serde_json::Value;

/// A small deterministic generator (xorshift64*).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// One message of `tests/schemas.json`.
pub struct Schema {
    json: Value,
}

impl Schema {
    pub fn all() -> Vec<Self> {
        let all: Vec<Value> = serde_json::from_str(include_str!("../schemas.json")).unwrap();
        assert!(all.len() > 150);
        all.into_iter().map(|json| Self { json }).collect()
    }

    pub fn name(&self) -> &str {
        self.json["name"].as_str().unwrap()
    }

    pub fn api(&self) -> Option<ApiKey> {
        ApiKey::from_i16(i16::try_from(self.json["key"].as_i64()?).unwrap())
    }

    pub fn is_request(&self) -> bool {
        self.json["type"] == "request"
    }

    pub fn versions(&self) -> std::ops::RangeInclusive<i16> {
        let (low, high) = range(&self.json["valid"]).unwrap();
        low..=high
    }

    /// A random message in `version`: canonical bytes, which every correct codec gives back.
    pub fn sample(&self, version: i16, random: &mut Random) -> Vec<u8> {
        let mut out = Vec::new();
        let flexible = range(&self.json["flexible"]).is_some_and(|(from, _)| version >= from);
        Encoder { schema: self, version, flexible, random, out: &mut out }.fields(&self.json["fields"], 0);
        out
    }
}

fn range(json: &Value) -> Option<(i16, i16)> {
    Some((i16::try_from(json[0].as_i64()?).unwrap(), i16::try_from(json[1].as_i64()?).unwrap()))
}

struct Encoder<'a> {
    schema: &'a Schema,
    version: i16,
    flexible: bool,
    random: &'a mut Random,
    out: &'a mut Vec<u8>,
}

impl Encoder<'_> {
    fn has(&self, versions: &Value) -> bool {
        range(versions).is_some_and(|(low, high)| (low..=high).contains(&self.version))
    }

    fn fields(&mut self, fields: &Value, depth: u32) {
        let fields: Vec<Value> =
            fields.as_array().unwrap().iter().filter(|field| self.has(&field["versions"])).cloned().collect();
        for field in fields.iter().filter(|field| field["tag"].is_null()) {
            self.field(field, false, depth);
        }
        if !self.flexible {
            return;
        }
        let mut tagged: Vec<(u64, Vec<u8>)> = Vec::new();
        for field in fields.iter().filter(|field| !field["tag"].is_null()) {
            if self.random.one_in(2) {
                let mut bytes = Vec::new();
                let mut inner = Encoder {
                    schema: self.schema,
                    version: self.version,
                    flexible: true,
                    random: &mut *self.random,
                    out: &mut bytes,
                };
                inner.field(field, true, depth);
                tagged.push((field["tag"].as_u64().unwrap(), bytes));
            }
        }
        if self.random.one_in(4) {
            let size = self.random.below(if depth == 0 { 3000 } else { 5 });
            tagged.push((1000 + self.random.below(100_000), vec![7; size as usize]));
        }
        tagged.sort();
        self.uvarint(tagged.len() as u64);
        for (tag, bytes) in tagged {
            self.uvarint(tag);
            self.uvarint(bytes.len() as u64);
            self.out.extend(bytes);
        }
    }

    /// `set`: another value than the default, which would not be written.
    fn field(&mut self, field: &Value, set: bool, depth: u32) {
        let kind = field["type"].as_str().unwrap();
        let null = !set && self.has(&field["nullable"]) && self.random.one_in(3);
        match kind.strip_prefix("[]") {
            Some(_) if null => self.length(None, false),
            Some(element) => {
                let count = if set { 1 } else { 0 } + self.random.below(3);
                self.length(Some(count), false);
                for _ in 0..count {
                    self.value(element, field, false, depth + 1);
                }
            }
            None => match kind {
                "string" | "bytes" | "records" if null => self.length(None, kind == "string"),
                _ if kind.starts_with(|letter: char| letter.is_uppercase()) && self.has(&field["nullable"]) => {
                    self.out.push(if null { 0xff } else { 1 });
                    if !null {
                        self.value(kind, field, false, depth + 1);
                    }
                }
                _ => self.value(kind, field, set, depth + 1),
            },
        }
    }

    fn value(&mut self, kind: &str, field: &Value, set: bool, depth: u32) {
        let number = if set { 77 } else { self.random.next() };
        match kind {
            "bool" => self.out.push(u8::from(set || number & 1 == 1)),
            "int8" => self.out.extend((number as i8).to_be_bytes()),
            "int16" | "uint16" => self.out.extend((number as i16).to_be_bytes()),
            "int32" => self.out.extend((number as i32).to_be_bytes()),
            "int64" => self.out.extend((number as i64).to_be_bytes()),
            "float64" => self.out.extend(((number >> 12) as f64 / 3.0).to_be_bytes()),
            "uuid" => self.out.extend((u128::from(number) * 0x1_0000_0001_0000_0001).to_be_bytes()),
            "string" => {
                let letters = ["a", "orders", "é", "\u{1F980}", "-0123456789.", ""];
                let mut text = if set { "x".to_owned() } else { String::new() };
                for _ in 0..self.random.below(5) {
                    text += letters[self.random.below(6) as usize];
                }
                self.length(Some(text.len() as u64), true);
                self.out.extend(text.as_bytes());
            }
            "bytes" | "records" => {
                // Some are long enough to be linked instead of copied.
                let len = if self.random.one_in(4) { 1500 } else { self.random.below(40) };
                self.length(Some(len), false);
                self.out.extend((0..len).map(|at| (at ^ number) as u8));
            }
            name => {
                let own = &field["fields"];
                let fields = if own.as_array().is_some_and(|own| !own.is_empty()) {
                    own.clone()
                } else {
                    let common = self.schema.json["common"].as_array().unwrap();
                    common.iter().find(|common| common["name"] == name).unwrap()["fields"].clone()
                };
                self.fields(&fields, depth);
            }
        }
    }

    fn length(&mut self, len: Option<u64>, short: bool) {
        match (self.flexible, short, len) {
            (true, _, len) => self.uvarint(len.map_or(0, |len| len + 1)),
            (false, true, len) => self.out.extend(len.map_or(-1, |len| len as i16).to_be_bytes()),
            (false, false, len) => self.out.extend(len.map_or(-1, |len| len as i32).to_be_bytes()),
        }
    }

    fn uvarint(&mut self, mut value: u64) {
        while value > 127 {
            self.out.push((value & 127) as u8 | 128);
            value >>= 7;
        }
        self.out.push(value as u8);
    }
}
