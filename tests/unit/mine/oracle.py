"""Measures written again from their papers in mpmath, 40 digits; slow and plain.

Conventions are those of the library: 0/0 is nan, x/0 its limit; intervals with an empty cell as
each docstring says.
"""

from mpmath import mp, mpf

mp.dps = 40

NAN, INF = mpf("nan"), mpf("inf")
Z = mp.sqrt(2) * mp.erfinv(mpf("0.95"))


def over(top, bottom):
    top, bottom = mpf(top), mpf(bottom)
    if bottom == 0:
        return NAN if top == 0 else INF if top > 0 else -INF
    return top / bottom


def log2(x):
    if mp.isnan(x):
        return NAN
    return -INF if x == 0 else mp.log(x) / mp.log(2)


def around(value, log_middle, variance):
    """Both ends of exp(middle ± z sqrt(variance)), open where the value is 0 or inf."""
    if mp.isnan(value):
        return NAN, NAN
    half = Z * mp.sqrt(variance)
    low = mpf(0) if value == 0 else mp.exp(log_middle - half)
    return low, INF if value == INF else mp.exp(log_middle + half)


def gamma_quantile(shape, p):
    """Solve P(shape, x) = p for the regularised lower incomplete gamma function."""
    shape = mpf(shape)

    def below(x):
        return mp.gammainc(shape, 0, x, regularized=True) - p

    low, high = mpf(0), shape + 8 * mp.sqrt(shape) + 8
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < 0 else (low, middle)
    return (low + high) / 2


# ---- two by two: a both, b drug alone, c event alone, d neither


def prr(a, b, c, d):
    # a/(a+b) over c/(c+d), each 0/0 undefined; written as one fraction
    return over(a * (c + d), c * (a + b))


def prr_ends(a, b, c, d):
    value = prr(a, b, c, d)
    h = mpf(1) / 2 if a == 0 or c == 0 else mpf(0)
    a, b, c, d = a + h, b + h, c + h, d + h
    if mp.isnan(value):
        return NAN, NAN
    middle = mp.log(a / (a + b)) - mp.log(c / (c + d))
    return around(value, middle, 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


def ror(a, b, c, d):
    return over(a * d, b * c)


def ror_ends(a, b, c, d):
    h = mpf(1) / 2 if 0 in (a, b, c, d) else mpf(0)
    value = ror(a, b, c, d)
    a, b, c, d = a + h, b + h, c + h, d + h
    return around(value, mp.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d)


def rrr(a, b, c, d):
    return over((a + b + c + d) * a, (a + b) * (a + c))


def rrr_ends(a, b, c, d):
    """Variance by the gradient over four multinomial cells, not simplified."""
    value = rrr(a, b, c, d)
    if mp.isnan(value):
        return NAN, NAN
    h = mpf(1) / 2 if a == 0 else mpf(0)
    a, b, c, d = a + h, b + h, c + h, d + h
    n = a + b + c + d
    p = [x / n for x in (a, b, c, d)]
    pa, pb = p[0] + p[1], p[0] + p[2]
    g = [1 / p[0] - 1 / pa - 1 / pb, -1 / pa, -1 / pb, mpf(0)]
    mean = sum(x * y for x, y in zip(g, p, strict=True))
    variance = (sum(x * x * y for x, y in zip(g, p, strict=True)) - mean**2) / n
    return around(value, mp.log(p[0] / (pa * pb)), variance)


def chi2_yates(a, b, c, d):
    """Sum over the cells of (|O − E| − ½)² / E, the ½ not beyond |O − E| (Yates 1934)."""
    n = a + b + c + d
    rows, columns = (a + b, c + d), (a + c, b + d)
    if 0 in (*rows, *columns):
        return NAN
    total = mpf(0)
    for i, row in enumerate(((a, b), (c, d))):
        for j, o in enumerate(row):
            e = mpf(rows[i]) * columns[j] / n
            total += max(abs(o - e) - mpf(1) / 2, 0) ** 2 / e
    return total


def expected(a, b, c, d):
    return over((a + b) * (a + c), a + b + c + d)


def ic(a, b, c, d):
    e = expected(a, b, c, d)
    return NAN if mp.isnan(e) else log2((a + mpf(1) / 2) / (e + mpf(1) / 2))


def shrunk_ends(o, e):
    if mp.isnan(e):
        return NAN, NAN
    half = mpf(1) / 2
    return tuple(
        log2(gamma_quantile(o + half, p) / (e + half)) for p in (mpf("0.025"), mpf("0.975"))
    )


def ic_ends(a, b, c, d):
    return shrunk_ends(a, expected(a, b, c, d))


def bcpnn_moments(a, b, c, d):
    """Bate et al. 1998 with α1 = β1 = γ11 = 1, α = β = 2."""
    n, na, nb = a + b + c + d, a + b, a + c
    gamma = mpf((n + 2) * (n + 2)) / ((na + 1) * (nb + 1))
    mean = log2((a + 1) * mpf((n + 2) * (n + 2)) / ((n + gamma) * (na + 1) * (nb + 1)))
    spread = (
        (n - a + gamma - 1) / ((a + 1) * (1 + n + gamma))
        + mpf(n - na + 2 - 1) / ((na + 1) * (1 + n + 2))
        + mpf(n - nb + 2 - 1) / ((nb + 1) * (1 + n + 2))
    )
    return mean, spread / mp.log(2) ** 2


def bcpnn(a, b, c, d):
    return bcpnn_moments(a, b, c, d)[0]


def bcpnn_ends(a, b, c, d):
    mean, variance = bcpnn_moments(a, b, c, d)
    return mean - Z * mp.sqrt(variance), mean + Z * mp.sqrt(variance)


def hypergeometric(k, a, b, c, d):
    n, na, nb = a + b + c + d, a + b, a + c
    return mp.binomial(na, k) * mp.binomial(n - na, nb - k) / mp.binomial(n, nb)


def mid_p(a, b, c, d, *, side):
    n, na, nb = a + b + c + d, a + b, a + c
    support = range(max(0, na + nb - n), min(na, nb) + 1)
    beyond = [k for k in support if (k > a if side == "greater" else k < a)]
    return sum(hypergeometric(k, a, b, c, d) for k in beyond) + hypergeometric(a, a, b, c, d) / 2


# ---- the gamma-Poisson shrinker


def negative_binomial(n, e, alpha, beta):
    """DuMouchel 1999, equation 4."""
    return (
        mp.gamma(alpha + n)
        / (mp.gamma(alpha) * mp.factorial(n))
        * (1 + beta / e) ** (-n)
        * (1 + e / beta) ** (-alpha)
    )


def posterior_weight(n, e, a1, b1, a2, b2, w):
    first = w * negative_binomial(n, e, a1, b1)
    return first / (first + (1 - w) * negative_binomial(n, e, a2, b2))


def ebgm(n, e, a1, b1, a2, b2, w):
    q = posterior_weight(n, e, a1, b1, a2, b2, w)
    mean = q * (mp.digamma(a1 + n) - mp.log(b1 + e)) + (1 - q) * (
        mp.digamma(a2 + n) - mp.log(b2 + e)
    )
    return mp.exp(mean)


def eb_below(x, n, e, a1, b1, a2, b2, w):
    """P(λ ≤ x | n)."""
    q = posterior_weight(n, e, a1, b1, a2, b2, w)
    return q * mp.gammainc(a1 + n, 0, (b1 + e) * x, regularized=True) + (1 - q) * mp.gammainc(
        a2 + n, 0, (b2 + e) * x, regularized=True
    )


# ---- two drugs: y of n with the outcome, groups 11, 10, 01, 00


def risks(y, n):
    return [over(a, b) for a, b in zip(y, n, strict=True)]


def any_nan(values):
    return any(mp.isnan(x) for x in values)


def gradient_variance(function, y, n):
    """Delta method by numerical derivatives: the four y are independent binomials."""
    total = mpf(0)
    for k in range(4):
        slope = mp.diff(lambda x, k=k: function([*y[:k], x, *y[k + 1 :]]), mpf(y[k]))
        p = mpf(y[k]) / n[k]
        total += slope**2 * n[k] * p * (1 - p)
    return total


def risk_excess(y, n):
    p = risks(y, n)
    return NAN if any_nan(p) else p[0] - p[1] - p[2] + p[3]


def risk_excess_ends(y, n):
    value = risk_excess(y, n)
    if mp.isnan(value):
        return NAN, NAN
    spread = sum(p * (1 - p) / m for p, m in zip(risks(y, n), n, strict=True))
    return value - Z * mp.sqrt(spread), value + Z * mp.sqrt(spread)


def reri(y, n):
    p = risks(y, n)
    return NAN if any_nan(p) else over(p[0] - p[1] - p[2] + p[3], p[3])


def reri_ends(y, n):
    p = risks(y, n)
    if any_nan(p) or p[3] == 0:
        return NAN, NAN

    def value(counts):
        q = [mpf(a) / b for a, b in zip(counts, n, strict=True)]
        return q[0] / q[3] - q[1] / q[3] - q[2] / q[3] + 1

    half = Z * mp.sqrt(gradient_variance(value, [mpf(x) for x in y], n))
    return value(y) - half, value(y) + half


def interaction_odds_ratio(y, n):
    no = [b - a for a, b in zip(y, n, strict=True)]
    return over(y[0] * no[1] * no[2] * y[3], no[0] * y[1] * y[2] * no[3])


def interaction_odds_ratio_ends(y, n):
    value = interaction_odds_ratio(y, n)
    no = [b - a for a, b in zip(y, n, strict=True)]
    h = mpf(1) / 2 if 0 in (*y, *no) else mpf(0)
    yes, no = [a + h for a in y], [a + h for a in no]
    odds = [mp.log(a / b) for a, b in zip(yes, no, strict=True)]
    return around(value, odds[0] - odds[1] - odds[2] + odds[3], sum(1 / x for x in (*yes, *no)))


def prr_of(y, n, inside):
    """PRR of the groups `inside` against the others."""
    outside = [k for k in range(4) if k not in inside]
    return over(
        sum(y[k] for k in inside) * sum(n[k] for k in outside),
        sum(y[k] for k in outside) * sum(n[k] for k in inside),
    )


def combination_risk_ratio(y, n):
    pair, one, two = (prr_of(y, n, inside) for inside in ((0,), (0, 1), (0, 2)))
    singles = [x for x in (one, two) if not mp.isnan(x)]
    if mp.isnan(pair) or not singles:
        return NAN
    top = max(singles)
    if pair == INF:
        return NAN if top == INF else INF
    return mpf(0) if top == INF else over(pair, top)


def combination_risk_ratio_ends(y, n):
    """Only where all logarithms are finite; the rule for the others is the library's own."""
    one, two = prr_of(y, n, (0, 1)), prr_of(y, n, (0, 2))
    stronger = (0, 1) if one >= two else (0, 2)

    def log_ratio(counts):
        return mp.log(prr_of(counts, n, (0,))) - mp.log(prr_of(counts, n, stronger))

    variance = gradient_variance(log_ratio, [mpf(x) for x in y], n)
    return around(mp.exp(log_ratio(y)), log_ratio(y), variance)


def noren_joint(y, n):
    """E of Norén et al. 2008, through odds as in the paper; nan where a group is empty."""
    p = risks(y, n)
    if 0 in n:
        return NAN
    odds = [over(x, 1 - x) for x in p[1:]]
    if odds[2] == INF:
        return NAN
    joint = max(odds[2], odds[0]) + max(odds[2], odds[1]) - odds[2]
    return n[0] * (mpf(1) if joint == INF else 1 - 1 / (joint + 1))


def omega(y, n):
    e = noren_joint(y, n)
    return NAN if mp.isnan(e) else log2((y[0] + mpf(1) / 2) / (e + mpf(1) / 2))


def omega_ends(y, n):
    return shrunk_ends(y[0], noren_joint(y, n))


def chi2_gosho(y, n):
    e = noren_joint(y, n)
    return NAN if mp.isnan(e) else over(y[0] - e - mpf(1) / 2, mp.sqrt(e))


# ---- strata of two by two tables


def mh_odds_ratio(strata):
    used = [row for row in strata if sum(row)]
    top = sum(mpf(a) * d / (a + b + c + d) for a, b, c, d in used)
    bottom = sum(mpf(b) * c / (a + b + c + d) for a, b, c, d in used)
    return over(top, bottom)


def mh_odds_ratio_ends(strata):
    value = mh_odds_ratio(strata)
    if not 0 < value < INF:
        return NAN, NAN
    r = s = pr = ps = qr = qs = mpf(0)
    for a, b, c, d in strata:
        n = mpf(a + b + c + d)
        if not n:
            continue
        p, q, x, z = (a + d) / n, (b + c) / n, a * d / n, b * c / n
        r, s = r + x, s + z
        pr, ps, qr, qs = pr + p * x, ps + p * z, qr + q * x, qs + q * z
    variance = pr / (2 * r**2) + (ps + qr) / (2 * r * s) + qs / (2 * s**2)
    return around(value, mp.log(value), variance)


def mh_prr(strata):
    used = [row for row in strata if sum(row)]
    top = sum(mpf(a) * (c + d) / (a + b + c + d) for a, b, c, d in used)
    bottom = sum(mpf(c) * (a + b) / (a + b + c + d) for a, b, c, d in used)
    return over(top, bottom)


def mh_prr_ends(strata):
    value = mh_prr(strata)
    if not 0 < value < INF:
        return NAN, NAN
    top = left = right = mpf(0)
    for a, b, c, d in strata:
        n = mpf(a + b + c + d)
        if not n:
            continue
        top += ((a + b) * (c + d) * (a + c) - a * c * n) / n**2
        left, right = left + a * (c + d) / n, right + c * (a + b) / n
    return around(value, mp.log(value), top / (left * right))
