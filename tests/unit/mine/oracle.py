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

    low, high = mpf(0), shape + 50 * mp.sqrt(shape) + 50
    for _ in range(120):
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
