"""What always holds of residents and their proxies."""

from coupon_service.core.invariants import sql_invariant
from coupon_service.residents.household import GUARDIANS_MAX, PRINCIPALS_MAX

INVARIANTS = (
    sql_invariant(
        "agents-act-for-few",
        f"""
        SELECT agent_id, count(*) AS principals FROM proxies
        WHERE state = 'live' OR (state = 'asked' AND code_index IS NULL)
        GROUP BY agent_id HAVING count(*) > {PRINCIPALS_MAX}
        """,
    ),
    sql_invariant(
        "children-have-few-guardians",
        f"""
        SELECT principal_id, count(*) AS guardians FROM proxies
        WHERE relation = 'guardian' AND (state = 'live' OR (state = 'asked' AND code_index IS NULL))
        GROUP BY principal_id HAVING count(*) > {GUARDIANS_MAX}
        """,
    ),
    sql_invariant(
        "the-erased-are-unreadable",
        """
        SELECT resident.id AS resident_id FROM residents resident
        WHERE erased_at IS NOT NULL
          AND (EXISTS (SELECT FROM resident_keys WHERE resident_id = resident.id)
            OR EXISTS (SELECT FROM wechat_links WHERE resident_id = resident.id)
            OR EXISTS (SELECT FROM sign_in_sessions session
                       WHERE session.principal_kind = 'resident'
                         AND session.principal_id = resident.id AND session.revoked_at IS NULL)
            OR EXISTS (SELECT FROM proxies proxy
                       WHERE resident.id IN (proxy.principal_id, proxy.agent_id)
                         AND proxy.withdrawn_at IS NULL))
        """,
    ),
)
