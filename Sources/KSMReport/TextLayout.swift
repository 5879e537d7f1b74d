/// Text that fits a terminal.
package enum TextLayout {
    /// Columns that every report keeps to: the terminal that always was.
    package static let width = 80

    /// `text` broken at spaces; a single word that is longer stays whole.
    /// - Parameters:
    ///   - first: what stands before the first line (`- `).
    ///   - indent: spaces before the following lines.
    ///   - width: columns, prefix included.
    /// - Returns: the lines, each ended by a line break.
    package static func wrap(
        _ text: String,
        first: String = "",
        indent: Int = 0,
        width: Int = TextLayout.width
    ) -> String {
        var result = ""
        var line = first
        var isEmpty = true
        for word in text.split(separator: " ") {
            if !isEmpty, line.count + 1 + word.count > width {
                result += line + "\n"
                line = String(repeating: " ", count: indent)
                isEmpty = true
            }
            line += isEmpty ? String(word) : " " + word
            isEmpty = false
        }
        return result + line + "\n"
    }

    /// `text` cut to `width` characters, the last one `…` where something is missing.
    package static func cut(_ text: String, to width: Int) -> String {
        text.count <= width ? text : text.prefix(max(0, width - 1)) + "…"
    }

    /// `text` filled up with spaces to `width` characters.
    package static func pad(_ text: String, to width: Int, _ alignment: TextTable.Alignment = .left) -> String {
        let fill = String(repeating: " ", count: max(0, width - text.count))
        return alignment == .left ? text + fill : fill + text
    }
}

/// A table with a heading line and aligned columns; the first column gives way where 80 columns are not enough.
package struct TextTable: Sendable {
    /// On which side of its column a cell stands.
    package enum Alignment: Sendable {
        case left
        case right
    }

    /// A heading, and how what is below it is aligned.
    package struct Column: Sendable {
        /// The heading.
        package var title: String
        /// Numbers stand on the right.
        package var alignment: Alignment

        /// A column, aligned on the left unless said otherwise.
        package init(_ title: String, _ alignment: Alignment = .left) {
            self.title = title
            self.alignment = alignment
        }
    }

    private let columns: [Column]
    private var rows: [[String]] = []

    /// An empty table.
    package init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Adds a row; missing cells are empty, surplus ones are dropped.
    package mutating func add(_ cells: [String]) {
        rows.append(columns.indices.map { $0 < cells.count ? Human.plain(cells[$0]) : "" })
    }

    /// The lines of the table, each ended by a line break, without spaces at the end.
    package func text(width: Int = TextLayout.width) -> String {
        let widths = columnWidths(width)
        var result = line(columns.map(\.title), widths)
        for row in rows { result += line(row, widths) }
        return result
    }

    private func columnWidths(_ width: Int) -> [Int] {
        var widths = columns.indices.map { index in
            rows.reduce(columns[index].title.count) { max($0, $1[index].count) }
        }
        let surplus = widths.reduce(0, +) + 2 * (columns.count - 1) - width
        if surplus > 0, let first = widths.first {
            widths[0] = max(min(first, 8), first - surplus)
        }
        return widths
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var result = ""
        for index in columns.indices {
            let cell = TextLayout.cut(cells[index], to: widths[index])
            result += index == 0 ? "" : "  "
            result += TextLayout.pad(cell, to: widths[index], columns[index].alignment)
        }
        while result.last == " " { result.removeLast() }
        return result + "\n"
    }
}
