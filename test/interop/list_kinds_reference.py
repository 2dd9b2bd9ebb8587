"""Lists of every column kind and compression, and what pyarrow reads from a table (PyPI: pyarrow; environment.sh readers).

python list_kinds_reference.py make FOLDER ORIGIN   writes parquet lists; a JSON list of the additional columns
python list_kinds_reference.py read FOLDER          of its parquet files {name: {"types", "columns"}}, values as repr
"""
import datetime
import decimal
import glob
import json
import os
import random
import sys

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 300


def columns():
    """Values over all of a kind's range, one in ten missing."""
    chance = random.Random(16)

    def of(kind, make):
        return pa.array([None if chance.random() < 0.1 else make() for _ in range(ROWS)], kind)

    def whole(bits, signed):
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        return lambda: chance.choice([low, high, chance.randint(low, high)])

    def text():
        return "".join(chance.choice("aé😀\u0000\n\"',;") for _ in range(chance.randint(0, 9)))

    def double():
        return chance.choice([0.0, -0.0, 1e308, 5e-324, float("nan"), float("inf"), chance.gauss(0, 1)])

    def digits(precision, scale):
        return lambda: decimal.Decimal(chance.randint(-(10**precision) + 1, 10**precision - 1)).scaleb(
            -scale, decimal.Context(prec=80)
        )

    def days():
        return datetime.date(1, 1, 1) + datetime.timedelta(days=chance.randint(0, 3652058))

    def list_of(make):
        return lambda: [None if chance.random() < 0.2 else make() for _ in range(chance.randint(0, 3))]

    some = {f"i{bits}": of(getattr(pa, f"int{bits}")(), whole(bits, True)) for bits in (8, 16, 32, 64)}
    some |= {f"u{bits}": of(getattr(pa, f"uint{bits}")(), whole(bits, False)) for bits in (8, 16, 32, 64)}
    some |= {
        f"d{precision}": of(
            (pa.decimal256 if precision > 38 else pa.decimal128)(precision, scale), digits(precision, scale)
        )
        for precision, scale in ((1, 0), (9, 2), (18, 18), (19, 4), (38, 10), (76, 5))
    }
    some |= {
        f"ts_{unit}{zone or ''}": of(pa.timestamp(unit, tz=zone), whole(60 if unit == "ns" else 44, True))
        for unit in ("s", "ms", "us", "ns")
        for zone in (None, "UTC")
        if unit != "s"
    }
    some |= {
        "f16": of(pa.float16(), lambda: chance.choice([0.5, -2.0, 65504.0, float("nan")])),
        "f32": of(pa.float32(), double),
        "f64": of(pa.float64(), double),
        "flag": of(pa.bool_(), lambda: chance.random() < 0.5),
        "date": of(pa.date32(), days),
        "time_ms": of(pa.time32("ms"), lambda: chance.randint(0, 86_399_999)),
        "time_us": of(pa.time64("us"), lambda: chance.randint(0, 86_399_999_999)),
        "text": of(pa.string(), text),
        "large_text": of(pa.large_string(), text),
        "bytes": of(pa.binary(), lambda: chance.randbytes(5)),
        "fixed": of(pa.binary(7), lambda: chance.randbytes(7)),
        "uuid": of(pa.uuid(), lambda: chance.randbytes(16)),
        "null": pa.nulls(ROWS),
        "category": of(pa.string(), lambda: chance.choice("abc")).dictionary_encode(),
        "longs": of(pa.list_(pa.int64()), list_of(whole(64, True))),
        "texts": of(pa.list_(pa.list_(pa.string())), list_of(list_of(text))),
        "box": of(
            pa.struct([("x", pa.float32()), ("tags", pa.list_(pa.string()))]),
            lambda: {"x": chance.choice([None, 0.5]), "tags": chance.choice([None, [], ["a", None]])},
        ),
        "boxes": of(
            pa.list_(pa.struct([("n", pa.uint64()), ("d", pa.decimal128(20, 2))])),
            list_of(lambda: {"n": 2**64 - 1, "d": decimal.Decimal("-0.05")}),
        ),
        "map": of(pa.map_(pa.string(), pa.int64()), lambda: [(text(), chance.choice([None, 1])) for _ in range(chance.randint(0, 3))]),
    }
    return some


def make(folder, origin):
    some = columns()
    # Whatever they hold, few rows have a picture behind them: it is the values that matter.
    some["url"] = pa.array([f"{origin}/{'ok' if row % 50 == 0 else 'none'}/{row}.png" for row in range(ROWS)])
    table = pa.table(some)
    names = [name for name in some if name != "url"]

    def write(name, **options):
        pq.write_table(table, os.path.join(folder, name), **options)

    for codec in ("none", "snappy", "gzip", "brotli", "zstd", "lz4"):
        write(f"{codec}.parquet", compression=codec, row_group_size=70)
    write("v2.parquet", data_page_version="2.0", compression="zstd", use_dictionary=False, data_page_size=500)
    write("plain.parquet", use_dictionary=False, write_statistics=False, row_group_size=299)
    delta = {"i64": "DELTA_BINARY_PACKED", "i32": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY"}
    delta |= {"bytes": "DELTA_LENGTH_BYTE_ARRAY", "f32": "BYTE_STREAM_SPLIT", "f64": "BYTE_STREAM_SPLIT"}
    delta |= {"u64": "BYTE_STREAM_SPLIT", "d38": "BYTE_STREAM_SPLIT", "flag": "RLE"}
    write("delta.parquet", use_dictionary=False, column_encoding=delta)
    print(json.dumps(names))


def read(folder):
    print(json.dumps({os.path.basename(path): table_of(path) for path in glob.glob(os.path.join(folder, "*.parquet"))}))


def table_of(path):
    table = pq.ParquetFile(path).read()
    values = {}
    for name, column in zip(table.column_names, table.columns):
        kind = column.type
        if pa.types.is_dictionary(kind):
            column = column.cast(kind.value_type)
        elif pa.types.is_timestamp(kind) or pa.types.is_time(kind):
            # datetime has neither all years nor all digits.
            column = column.cast(pa.int64() if kind.bit_width == 64 else pa.int32())
        values[name] = [repr(value) for value in column.to_pylist()]
    kinds = {name: str(column.type) for name, column in zip(table.column_names, table.columns)}
    return {"types": kinds, "columns": values}


if __name__ == "__main__":
    {"make": make, "read": read}[sys.argv[1]](*sys.argv[2:])
