"""What must always hold of lists and grants."""

from coupon_service.core.invariants import sql_invariant

COUNTED = sql_invariant(
    "a list counts its members and its faulty lines",
    """
    SELECT list.id FROM resident_lists list
    WHERE list.member_count <> (SELECT count(*) FROM resident_list_members WHERE list_id = list.id)
       OR list.fault_count <> (SELECT count(*) FROM resident_list_faults WHERE list_id = list.id)
    """,
)
LINE_ONCE = sql_invariant(
    "a line of a list names a person or is faulty, not both",
    """
    SELECT list_id, line_no FROM resident_list_members
    JOIN resident_list_faults USING (list_id, line_no)
    """,
)
FILE_GONE = sql_invariant(
    "an uploaded file is kept no longer than its import takes",
    """
    SELECT DISTINCT list.id FROM resident_lists list
    JOIN resident_list_chunks chunk ON chunk.list_id = list.id
    WHERE list.state <> 'importing'
    """,
)
OUTCOMES_COUNTED = sql_invariant(
    "a grant counts its outcomes",
    """
    SELECT release_id FROM grants
    LEFT JOIN (
        SELECT release_id, count(*) FILTER (WHERE outcome = 'granted') AS granted,
               count(*) FILTER (WHERE outcome = 'waiting') AS waiting,
               count(*) FILTER (WHERE outcome = 'refused') AS refused
        FROM grant_outcomes GROUP BY release_id
    ) counted USING (release_id)
    WHERE (grants.granted, grants.waiting, grants.refused)
          <> (coalesce(counted.granted, 0), coalesce(counted.waiting, 0),
              coalesce(counted.refused, 0))
    """,
)
OUTCOME_OF_EVERY_LINE = sql_invariant(
    "each line before a grant's next one has an outcome, and no other line has",
    """
    SELECT release_id, coalesce(member.line_no, outcome.line_no) AS line_no
    FROM grants
    JOIN resident_list_members member
      ON member.list_id = grants.list_id AND member.line_no < grants.next_line
    FULL JOIN grant_outcomes outcome USING (release_id, line_no)
    WHERE member.line_no IS NULL OR outcome.line_no IS NULL
    """,
)
VOUCHER_OF_ITS_RELEASE = sql_invariant(
    "a granted line has a voucher of the release that is granted",
    """
    SELECT outcome.release_id, outcome.line_no FROM grant_outcomes outcome
    JOIN vouchers ON vouchers.id = outcome.voucher_id
    WHERE vouchers.release_id <> outcome.release_id
    """,
)

INVARIANTS = [
    COUNTED,
    LINE_ONCE,
    FILE_GONE,
    OUTCOMES_COUNTED,
    OUTCOME_OF_EVERY_LINE,
    VOUCHER_OF_ITS_RELEASE,
]
