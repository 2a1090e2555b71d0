"""The inner loops of the Arm kernels, as they are in the library: found in what objdump says of it, function by function."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence

_FUNCTION = re.compile(r"^[0-9a-f]+ <([\w.$]+)>:$")
_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+([a-z]\S*)\s*(.*?)\s*(?://.*)?$")
_TARGET = re.compile(r"\b([0-9a-f]+) <[^>]*>$")
_DOTS = ("sdot", "smmla")
_LINE, _FLOAT = frozenset({"sqdmulh", "sqrdmulh", "sqrdmlah"}), "fcvtns"
_STORED_BYTES = {"q": 16, "d": 8, "s": 4, "h": 2, "b": 1}
_LANE_BYTES = {".d": 8, ".s": 4, ".h": 2, ".b": 1}


@dataclasses.dataclass(frozen=True)
class Instruction:
    """One instruction: its name, and its operands as objdump writes them."""

    name: str
    operands: str

    @property
    def target(self) -> int | None:
        """The address that it may jump to."""
        jumps = self.name == "b" or self.name.startswith("b.") or self.name in {"cbz", "cbnz", "tbz", "tbnz"}
        found = _TARGET.search(self.operands) if jumps else None
        return int(found[1], 16) if found else None

    @property
    def falls_through(self) -> bool:
        """The next instruction may follow."""
        return self.name not in {"b", "ret", "br"}

    @property
    def stored_bytes(self) -> int:
        """Bytes of vector registers that it writes to memory; what it puts on the stack for later does not count."""
        first = self.operands.split(",")[0].strip()
        if "[sp" in self.operands:
            return 0
        if self.name == "st1" and "}[" in self.operands:
            return _LANE_BYTES[re.sub(r".*(\.[dshb])\}.*", r"\1", self.operands)]
        if self.name == "st1":
            return 16 * self.operands.split("}")[0].count("16b")
        registers = 2 if self.name == "stp" else 1
        return registers * _STORED_BYTES.get(first[:1], 0) if self.name in {"str", "stur", "stp"} and re.fullmatch(r"[qdshb]\d+", first) else 0

    def __str__(self) -> str:
        return f"{self.name} {_TARGET.sub(r'.L1', self.operands)}"


@dataclasses.dataclass(frozen=True)
class Loop:
    """The way round an inner loop that is gone most: where the compiler left a choice, the shortest.

    function: its name in C; number: among the function's inner loops, from 1.
    """

    function: str
    number: int
    body: tuple[Instruction, ...]

    @property
    def products(self) -> int:
        """SDOT and SMMLA instructions."""
        return sum(instruction.name in _DOTS for instruction in self.body)

    @property
    def product(self) -> str:
        """The kind that it has: "sdot", "smmla", or "" for neither."""
        return next((instruction.name for instruction in self.body if instruction.name in _DOTS), "")

    @property
    def outputs(self) -> int:
        """Codes that it writes; 0 for one that only adds up."""
        return sum(instruction.stored_bytes for instruction in self.body)

    @property
    def spills(self) -> int:
        """Loads and stores of the stack: registers that the loop has too few of."""
        return sum("[sp" in instruction.operands for instruction in self.body)

    @property
    def requantizes(self) -> str:
        """How sums become codes: "line" (integers, core/fixed.h), "float", or "" if they do not; "+clamp" behind it if codes are clamped too."""
        names = {instruction.name for instruction in self.body}
        how = "line" if _LINE & names else "float" if _FLOAT in names else ""
        return how + ("+clamp" if how and "smax" in names else "")

    @property
    def vectors(self) -> int:
        """Instructions that work on vector registers, loads and stores not among them."""
        return sum(is_vector(instruction) for instruction in self.body)


def is_vector(instruction: Instruction) -> bool:
    """It works on vector registers, and is neither a load nor a store."""
    return bool(re.match(r"\{?[vq]\d+|\{?[sdbh]\d+\b", instruction.operands)) and not instruction.name.startswith(("ld", "st"))


def inner_loops(listing: str) -> Iterator[Loop]:
    """The innermost loops of each function in `listing` (objdump -d of an aarch64 library), in the order of functions, then of code."""
    for name, instructions in _functions(listing).items():
        for number, path in enumerate(_loops(_blocks(instructions)), 1):
            yield Loop(name, number, tuple(instruction for block in path for instruction in block.body))


@dataclasses.dataclass
class _Block:
    body: list[Instruction] = dataclasses.field(default_factory=list)
    follows: list[int] = dataclasses.field(default_factory=list)


def _functions(listing: str) -> dict[str, dict[int, Instruction]]:
    """Function → address → instruction. Functions of one name in several files: behind the first ones, with a stroke."""
    functions: dict[str, dict[int, Instruction]] = {}
    instructions: dict[int, Instruction] = {}
    for line in listing.splitlines():
        if function := _FUNCTION.match(line):
            name = function[1]
            while name in functions:
                name += "'"
            instructions = functions.setdefault(name, {})
        elif found := _INSTRUCTION.match(line):
            instructions[int(found[1], 16)] = Instruction(found[2], found[3])
    return {name: instructions for name, instructions in functions.items() if instructions}


def _blocks(instructions: Mapping[int, Instruction]) -> dict[int, _Block]:
    """Address → block that begins there, each with those that may follow it. The first is the function's beginning."""
    targets = {instruction.target for instruction in instructions.values()}
    blocks: dict[int, _Block] = {}
    block, begins = _Block(), True
    for address, instruction in instructions.items():
        if begins or address in targets:
            if block.body and block.body[-1].falls_through:
                block.follows.append(address)
            block = blocks.setdefault(address, _Block())
        block.body.append(instruction)
        begins = instruction.target is not None or not instruction.falls_through
        if (target := instruction.target) is not None and target in instructions:
            block.follows.append(target)
    return blocks


def _loops(blocks: Mapping[int, _Block]) -> Iterator[Sequence[_Block]]:
    """The shortest way round each natural loop that has no other in it."""
    loops: dict[int, set[int]] = {}
    latches: dict[int, list[int]] = {}
    for latch, header in _back_edges(blocks):
        loops.setdefault(header, set()).update(_members(blocks, latch, header))
        latches.setdefault(header, []).append(latch)
    for header, members in loops.items():
        if not any(other in members for other in loops if other != header):
            yield min((_way(blocks, members, header, latch) for latch in latches[header]), key=_length)


def _back_edges(blocks: Mapping[int, _Block]) -> Iterator[tuple[int, int]]:
    """Edges to a block that is being walked: from the function's first block, depth first."""
    first = next(iter(blocks))
    seen, walking = {first}, {first}
    stack = [(first, iter(blocks[first].follows))]
    while stack:
        label, follows = stack[-1]
        for following in follows:
            if following in walking:
                yield label, following
            elif following in blocks and following not in seen:
                seen.add(following)
                walking.add(following)
                stack.append((following, iter(blocks[following].follows)))
                break
        else:
            walking.discard(label)
            stack.pop()


def _members(blocks: Mapping[int, _Block], latch: int, header: int) -> set[int]:
    """Blocks from which the latch is reached without passing the header."""
    members, waiting = {header, latch}, [latch] if latch != header else []
    while waiting:
        reached = waiting.pop()
        for label, block in blocks.items():
            if reached in block.follows and label not in members:
                members.add(label)
                waiting.append(label)
    return members


def _length(way: Sequence[_Block]) -> int:
    return sum(len(block.body) for block in way)


def _way(blocks: Mapping[int, _Block], members: set[int], header: int, latch: int) -> Sequence[_Block]:
    """The shortest way from header to latch."""
    best: dict[int, list[int]] = {header: [header]}
    waiting = [header]
    while waiting:
        label = waiting.pop(0)
        for following in blocks[label].follows:
            way = [*best[label], following]
            if following == header or following not in members or following in best[label]:
                continue
            if following not in best or _length([blocks[b] for b in way]) < _length([blocks[b] for b in best[following]]):
                best[following] = way
                waiting.append(following)
    return [blocks[label] for label in best[latch]]
