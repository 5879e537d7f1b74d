/// An object of which any member may be missing or strange.
struct JSONMembers {
    private let container: KeyedDecodingContainer<Key>

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(_ decoder: any Decoder) throws {
        container = try decoder.container(keyedBy: Key.self)
    }

    /// The member of that name; `nil` when it is missing, null or of another type.
    func value<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) -> Value? {
        (try? container.decodeIfPresent(type, forKey: Key(name))) ?? nil
    }

    /// A word out of a fixed set.
    func word<Word: RawRepresentable<String>>(_ name: String, as type: Word.Type = Word.self) -> Word? {
        value(name, as: String.self).flatMap { Word(rawValue: $0) }
    }

    /// Seconds as nanoseconds.
    func nanoseconds(_ name: String) -> UInt64? {
        value(name, as: Double.self).flatMap { UInt64(exactly: ($0 * 1e9).rounded()) }
    }
}
