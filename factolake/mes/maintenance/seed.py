"""The failure codes of ISO 14224 into an empty table; the plant then edits them.

Modes and mechanisms are the general ones; further ones belong to single classes of equipment and are the plant's to add. Where public code lists
disagree (ERO, STD, FTO are often given another meaning), the reading of most of them is taken.
"""

from datetime import datetime

from factolake.mes.maintenance.models import CodeKind, FailureCode

SOURCE = "ISO 14224"
MODES = """AIR abnormal instrument reading|BRD breakdown|DOP delayed operation|ELP external leakage, process medium
ELU external leakage, utility medium|ERO erratic output|FRO fail to rotate|FTC fail to close|FTF fail to function|FTO fail to open
FTS fail to start on demand|HIO high output|IHT insufficient heat transfer|INL internal leakage|LCP leakage in closed position|LOO low output
NOI noise|OHE overheating|PDE parameter deviation|PLU plugged or choked|SER minor in-service problem|SPO spurious operation
STD structural deficiency|STP fail to stop on demand|UST spurious stop|VIB vibration|OTH other|UNK unknown"""
MECHANISMS = """1.0 mechanical, general|1.1 leakage|1.2 vibration|1.3 clearance or alignment|1.4 deformation|1.5 looseness|1.6 sticking
2.0 material, general|2.1 cavitation|2.2 corrosion|2.3 erosion|2.4 wear|2.5 breakage|2.6 fatigue|2.7 overheating|2.8 burst
3.0 instrument, general|4.0 electrical, general|4.1 short circuit|4.2 open circuit|4.3 no power|4.4 faulty power|4.5 earth or isolation fault
5.0 external influence, general|5.1 blockage|5.2 contamination|5.3 miscellaneous external influence|6.0 miscellaneous|6.4 unknown"""
CAUSES = """1.0 design, general|1.1 improper capacity|1.2 improper material|2.0 fabrication or installation, general|2.1 fabrication error
2.2 installation error|3.0 operation or maintenance, general|3.1 off-design service|3.2 operating error|3.3 maintenance error
3.4 expected wear and tear|4.0 management, general|4.1 documentation error|4.2 management error|5.0 miscellaneous, general|5.6 unknown"""
DETECTIONS = """1 periodic maintenance|2 functional testing|3 inspection|4 periodic condition monitoring|5 pressure testing
6 continuous condition monitoring|7 production interference|8 casual observation|9 corrective maintenance|10 on demand|11 other"""
LISTS = {CodeKind.MODE: MODES, CodeKind.MECHANISM: MECHANISMS, CodeKind.CAUSE: CAUSES, CodeKind.DETECTION: DETECTIONS}


def seed(now: datetime) -> int:
    """Write the codes where there are none; returns how many. Does nothing when there is any."""
    if FailureCode.objects.exists():
        return 0
    codes = [_code(kind, entry, now) for kind, text in LISTS.items() for line in text.splitlines() for entry in line.split("|")]
    FailureCode.objects.bulk_create(codes)
    return len(codes)


def _code(kind: CodeKind, entry: str, now: datetime) -> FailureCode:
    code, _, name = entry.partition(" ")
    return FailureCode(code_id=f"{kind.value}.{code}", kind=kind.value, code=code, name=name, source=SOURCE, changed_ts=now)
