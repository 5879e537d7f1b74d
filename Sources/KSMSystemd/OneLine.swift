/// Text as the bytes of one line: control characters (newlines, tabs, NUL) become spaces, and what is longer than
/// `limit` bytes is cut, never inside a character.
func oneLine(_ text: String, limit: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(text.utf8.count, limit))
    for byte in text.utf8 {
        guard bytes.count < limit else {
            dropPartialCharacter(of: &bytes, before: byte)
            break
        }
        bytes.append(byte < 0x20 || byte == 0x7F ? 0x20 : byte)
    }
    return bytes
}

/// Removes the beginning of a UTF-8 character at the end of `bytes`, if `next` shows that it was cut in the middle.
private func dropPartialCharacter(of bytes: inout [UInt8], before next: UInt8) {
    guard next & 0xC0 == 0x80 else { return }
    while let last = bytes.popLast(), last & 0xC0 == 0x80 {}
}
