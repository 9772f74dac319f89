/*
 * storage/codecs/scan_template.h - the scans over 64-byte blocks, stamped once per instruction set.
 * In: SCAN_NAME, SCAN_ROWS_NAME, SCAN_TARGET, SCAN_BLOCK (type), SCAN_LOAD(p), and
 * SCAN_EQUAL(block, byte) and SCAN_HIGH(block), which give 64-bit masks.
 */
SCAN_TARGET static void SCAN_NAME(MrScan *scan, const MrDialect *dialect, const char *data,
                                  size_t length)
{
    const bool csv = dialect->is_csv;
    const MrLineEnd line_end = dialect->line_end;
    const char delimiter = dialect->delimiter;
    const char special = csv ? dialect->quote : '\\';
    uint32_t *ends = scan->ends;
    uint32_t end_count = 0;
    uint32_t row_count = 0;
    uint64_t in_quote = 0;      /* all ones inside quotes */
    uint64_t escaped_carry = 0; /* the block's first byte is escaped */
    uint64_t cr_carry = 0;      /* the block before ended in a carriage return */
    uint64_t any_special = 0;
    uint64_t any_high = 0;
    char tail[64];

    for (size_t at = 0; at < length && end_count <= scan->end_room; at += 64) {
        uint64_t present = ~UINT64_C(0);
        const char *from = data + at;
        if (length - at < 64) {
            memset(tail, 0, sizeof tail);
            memcpy(tail, from, length - at);
            from = tail;
            present >>= 64 - (length - at);
        }
        SCAN_BLOCK block = SCAN_LOAD(from);
        uint64_t specials = SCAN_EQUAL(block, special) & present;
        uint64_t newlines = SCAN_EQUAL(block, '\n') & present;
        uint64_t returns = SCAN_EQUAL(block, '\r') & present;
        uint64_t fields = SCAN_EQUAL(block, delimiter) & present;
        any_high |= SCAN_HIGH(block) & present;

        if ((specials | in_quote | escaped_carry) != 0) {
            any_special |= specials;
            uint64_t hidden;
            if (csv) {
                hidden = scan_prefix_xor(specials) ^ in_quote;
                in_quote = (uint64_t)((int64_t)hidden >> 63);
            } else {
                hidden = scan_escaped(specials, &escaped_carry);
                uint64_t markers = SCAN_EQUAL(block, '.') & present & hidden;
                if (markers != 0) {
                    uint32_t offset = (uint32_t)__builtin_ctzll(markers);
                    scan->saw_marker = true;
                    scan->marker_at = (uint32_t)at + offset - 1;
                    present &= (UINT64_C(1) << offset) - 1;
                    newlines &= present;
                    returns &= present;
                    fields &= present;
                }
            }
            newlines &= ~hidden;
            returns &= ~hidden;
            fields &= ~hidden;
        }

        uint64_t rows = newlines;
        uint64_t strays = returns;
        if (line_end == MR_LINE_CRNL) {
            strays = newlines ^ ((returns << 1 | cr_carry) & present);
            cr_carry = returns >> 63;
        } else if (line_end == MR_LINE_CR) {
            rows = returns;
            strays = newlines;
        }
        if (__builtin_expect(strays != 0, 0)) {
            uint32_t offset = (uint32_t)__builtin_ctzll(strays);
            scan->saw_stray = true;
            scan->stray_at = (uint32_t)at + offset;
            rows &= (UINT64_C(1) << offset) - 1;
            fields &= (UINT64_C(1) << offset) - 1;
        }

        uint64_t bits = fields | rows;
        uint32_t count = (uint32_t)__builtin_popcountll(bits);
        while (rows != 0) {
            uint64_t below = (rows & -rows) - 1;
            scan->row_ends[row_count++] = end_count + (uint32_t)__builtin_popcountll(bits & below);
            rows &= rows - 1;
        }
        uint32_t *to = ends + end_count;
        uint32_t base = (uint32_t)at;
        for (uint32_t done = 0; done < count; done += 4) {
            /* Four at once: what is written too much is overwritten by the next block. */
            to[done] = base + scan_lowest(bits);
            bits &= bits - 1;
            to[done + 1] = base + scan_lowest(bits);
            bits &= bits - 1;
            to[done + 2] = base + scan_lowest(bits);
            bits &= bits - 1;
            to[done + 3] = base + scan_lowest(bits);
            bits &= bits - 1;
        }
        end_count += count;
        if (__builtin_expect(scan->saw_stray || scan->saw_marker, 0)) {
            break;
        }
    }
    scan->end_count = end_count;
    scan->row_count = row_count;
    scan->saw_special = any_special != 0;
    scan->saw_high = any_high != 0;
}

SCAN_TARGET static void SCAN_ROWS_NAME(MrRowScan *scan, const MrDialect *dialect, const char *data,
                                       size_t length)
{
    const bool csv = dialect->is_csv;
    const char quote = dialect->quote;
    const char row_end = dialect->line_end == MR_LINE_CR ? '\r' : '\n';
    const char line_end = dialect->line_end == MR_LINE_NL ? '\n' : '\r';
    uint64_t in_quote = scan->in_quote ? ~UINT64_C(0) : 0;
    uint64_t lines = scan->lines;
    char tail[64];

    for (size_t at = 0; at < length; at += 64) {
        const char *from = data + at;
        if (length - at < 64) {
            memset(tail, quote == '\0' ? 1 : 0, sizeof tail);
            memcpy(tail, from, length - at);
            from = tail;
        }
        SCAN_BLOCK block = SCAN_LOAD(from);
        uint64_t ends = SCAN_EQUAL(block, row_end);
        uint64_t counted = ends;
        uint64_t quotes = csv ? SCAN_EQUAL(block, quote) : 0;
        if ((quotes | in_quote) != 0) {
            uint64_t hidden = scan_prefix_xor(quotes) ^ in_quote;
            in_quote = (uint64_t)((int64_t)hidden >> 63);
            ends &= ~hidden;
            counted = ends | (SCAN_EQUAL(block, line_end) & hidden);
        }
        if (ends != 0) {
            uint32_t last = 63 - (uint32_t)__builtin_clzll(ends);
            scan->end = scan->seen + at + last + 1;
            scan->end_lines =
                lines + (uint32_t)__builtin_popcountll(counted & (~UINT64_C(0) >> (63 - last)));
        }
        lines += (uint32_t)__builtin_popcountll(counted);
    }
    scan->lines = lines;
    scan->in_quote = in_quote != 0;
    scan->seen += length;
}

#undef SCAN_NAME
#undef SCAN_ROWS_NAME
#undef SCAN_TARGET
#undef SCAN_BLOCK
#undef SCAN_LOAD
#undef SCAN_EQUAL
#undef SCAN_HIGH
