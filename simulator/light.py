"""Light, weather and exposure: how bright a surface is, and which colour the picture gets.

Radiance is linear, channels blue, green, red; `Light.develop` makes display values of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from simulator.camera import Points

Bgr = tuple[float, float, float]
Radiance = npt.NDArray[np.floating]
"""Linear light, any float type: float32 for pictures, float64 for the faces of a mesh."""
_GAMMA = 1 / 2.2


def _film_table() -> npt.NDArray[np.uint8]:
    """Display values over the square root of exposure: film curve, gamma, some contrast."""
    exposure = np.linspace(0, math.sqrt(_BRIGHTEST), 4096) ** 2
    display = np.power(1 - np.exp(-exposure), _GAMMA)
    contrast = display + 0.44 * display * (1 - display) * (2 * display - 1)
    return np.asarray(np.clip(contrast, 0, 1) * 255 + 0.5, np.uint8)


_BRIGHTEST = 8.0
_FILM = _film_table()


class Weather(StrEnum):
    """What the sky does."""

    SUN = "sun"
    OVERCAST = "overcast"
    RAIN = "rain"
    SNOW = "snow"
    DUSK = "dusk"
    NIGHT = "night"
    INDOOR = "indoor"
    """Under a ceiling: lamps and no sky."""


@dataclass(frozen=True, slots=True)
class Lamp:
    """A lamp on a post: position in metres, intensity per channel."""

    position_m: tuple[float, float, float]
    intensity_bgr: Bgr


@dataclass(frozen=True, slots=True)
class Light:
    """All the light of a scene.

    Attributes:
        weather: what the sky does.
        to_sun: unit vector towards the sun.
        sun_bgr: irradiance of the sun on a surface facing it.
        sky_bgr: irradiance of the sky on a surface facing up.
        horizon_bgr: radiance of the sky at the horizon; haze takes this colour.
        lamps: lamps that are lit.
        exposure: factor before the film curve.
        haze_per_m: share of light lost to haze per metre.
        wet: 0 dry to 1 wet ground.
        noise: standard deviation of sensor noise, grey levels.
    """

    weather: Weather
    to_sun: tuple[float, float, float]
    sun_bgr: Bgr
    sky_bgr: Bgr
    horizon_bgr: Bgr
    lamps: tuple[Lamp, ...]
    exposure: float
    haze_per_m: float
    wet: float
    noise: float

    @property
    def headlights(self) -> bool:
        """Whether drivers have their lights on."""
        return self.weather not in {Weather.SUN, Weather.OVERCAST}

    @property
    def sun_shadow(self) -> float:
        """What is left of the display value of level ground in the shadow of the sun, 0 to 1."""
        sun = np.mean(self.sun_bgr) * self.to_sun[2]
        sky = np.mean(self.sky_bgr)
        return float((sky / (sky + sun + 1e-9)) ** (_GAMMA * 0.9))

    def sky_radiance(self, up: Radiance) -> Radiance:
        """Radiance seen in directions whose upward part is `up` (...,) in -1..1, (..., 3)."""
        height = np.sqrt(np.clip(up, 0.0, 1.0))[..., None]
        horizon: Radiance = np.asarray(self.horizon_bgr, up.dtype)
        zenith: Radiance = np.asarray(self.sky_bgr, up.dtype) * up.dtype.type(0.55)
        if self.weather is Weather.INDOOR:
            zenith = horizon  # what is not drawn of the ceiling looks like it
        return np.asarray(horizon + (zenith - horizon) * height)

    def lamp_irradiance(self, points_m: Points, normals: Points) -> Points:
        """Irradiance by all lamps at points with normals, shapes (..., 3), linear BGR."""
        total = np.zeros_like(points_m)
        for lamp in self.lamps:
            to_lamp = np.asarray(lamp.position_m) - points_m
            distance2 = (to_lamp**2).sum(-1) + 1.0
            cosine = np.maximum((to_lamp * normals).sum(-1), 0.0) / np.sqrt(distance2)
            total += (cosine / distance2)[..., None] * np.asarray(lamp.intensity_bgr)
        return total

    def shade(self, surface: Surface, eye_m: Points, sun_seen: Points) -> Radiance:
        """Radiance of small faces towards the eye: sun, sky, lamps, mirror of the sky, haze.

        Args:
            surface: the faces.
            eye_m: position of the camera, shape (3,).
            sun_seen: how much of the sun each face sees, shape (F,), 0 to 1.

        Returns:
            Linear BGR, shape (F, 3).
        """
        to_sun = np.asarray(self.to_sun)
        normals = surface.normals
        sun = np.maximum(normals @ to_sun, 0.0) * sun_seen
        sky = 0.30 + 0.70 * (normals[:, 2] * 0.5 + 0.5)
        irradiance = sun[:, None] * np.asarray(self.sun_bgr)
        irradiance = irradiance + sky[:, None] * np.asarray(self.sky_bgr)
        if self.lamps:
            irradiance = irradiance + self.lamp_irradiance(surface.points_m, normals)
        to_eye = eye_m - surface.points_m
        distance = np.linalg.norm(to_eye, axis=1)
        to_eye = to_eye / distance[:, None]
        facing = np.clip((normals * to_eye).sum(1), 0.0, 1.0)
        mirrored = 2 * facing[:, None] * normals - to_eye
        fresnel = surface.gloss + (1 - surface.gloss) * (1 - facing) ** 5 * (surface.gloss > 0)
        glint = np.maximum(mirrored @ to_sun, 0.0) ** 90 * sun_seen * (surface.gloss > 0) * 5
        sky_mirror = self.sky_radiance(mirrored[:, 2])
        sky_mirror[mirrored[:, 2] < 0] = np.asarray(self.horizon_bgr) * 0.10  # the ground, darker
        mirror = sky_mirror + glint[:, None] * np.asarray(self.sun_bgr)
        radiance = surface.albedo_bgr * irradiance / math.pi
        radiance = radiance + fresnel[:, None] * mirror + surface.glow_bgr
        return self.through_haze(radiance, distance)

    def through_haze(self, radiance: Radiance, distance_m: Radiance) -> Radiance:
        """Radiance after `distance_m` of air, which adds the horizon's colour."""
        clear = np.exp(-self.haze_per_m * distance_m)[..., None]
        horizon = np.asarray(self.horizon_bgr, radiance.dtype)
        return np.asarray(horizon + (radiance - horizon) * clear)

    def develop(self, radiance: Radiance) -> npt.NDArray[np.uint8]:
        """Display values, uint8, of linear radiance: film curve, then gamma."""
        # A table over the square root, which spends its steps on the darks as the eye does.
        root = np.sqrt(np.clip(radiance * self.exposure, 0.0, _BRIGHTEST))
        return np.asarray(
            _FILM[(root * ((len(_FILM) - 1) / math.sqrt(_BRIGHTEST))).astype(np.int32)]
        )


@dataclass(frozen=True, slots=True)
class Surface:
    """Small faces ready to be lit.

    Attributes:
        points_m: centres, shape (F, 3).
        normals: unit normals, shape (F, 3).
        albedo_bgr: diffuse reflectance, shape (F, 3).
        gloss: mirror reflectance at right angles, shape (F,); 0 is matt.
        glow_bgr: own light, shape (F, 3).
    """

    points_m: Points
    normals: Points
    albedo_bgr: Points
    gloss: Points
    glow_bgr: Points


def make_light(
    weather: Weather, sun_azimuth_deg: float, sun_height_deg: float, lamps: tuple[Lamp, ...]
) -> Light:
    """The light of a kind of weather; lamps are lit at dusk, at night and indoors only.

    Args:
        weather: what the sky does.
        sun_azimuth_deg: from +x towards +y.
        sun_height_deg: above the horizon.
        lamps: posts of the lot.
    """
    azimuth, height = math.radians(sun_azimuth_deg), math.radians(sun_height_deg)
    to_sun = (
        math.cos(azimuth) * math.cos(height),
        math.sin(azimuth) * math.cos(height),
        math.sin(height),
    )
    low = 1 - min(sun_height_deg, 40.0) / 40.0
    table: dict[Weather, tuple[Bgr, Bgr, Bgr, float, float, float, float]] = {
        # sun, sky, horizon, exposure, haze per m, wet, noise
        Weather.SUN: (
            (4.4 - 1.8 * low, 4.9 - 1.2 * low, 5.2 - 0.8 * low),
            (1.75, 1.45, 1.25),
            (1.25, 1.15, 1.05),
            (1.9),
            0.0006,
            0.0,
            2.0,
        ),
        Weather.OVERCAST: (
            (0.0, 0.0, 0.0),
            (2.6, 2.6, 2.55),
            (1.15, 1.15, 1.12),
            2.6,
            0.001,
            0.0,
            2.2,
        ),
        Weather.RAIN: (
            (0.0, 0.0, 0.0),
            (2.1, 2.0, 1.9),
            (0.95, 0.92, 0.9),
            2.5,
            0.006,
            1.0,
            3.0,
        ),
        Weather.SNOW: (
            (0.0, 0.0, 0.0),
            (2.3, 2.25, 2.2),
            (1.1, 1.08, 1.06),
            1.9,
            0.006,
            0.3,
            2.5,
        ),
        Weather.DUSK: (
            (0.0, 0.0, 0.0),
            (0.62, 0.46, 0.42),
            (0.34, 0.36, 0.46),
            4.2,
            0.001,
            0.1,
            3.5,
        ),
        Weather.NIGHT: (
            (0.0, 0.0, 0.0),
            (0.075, 0.055, 0.045),
            (0.030, 0.024, 0.022),
            9.0,
            0.001,
            0.15,
            5.5,
        ),
        Weather.INDOOR: (
            (0.0, 0.0, 0.0),
            (0.42, 0.44, 0.45),
            (0.062, 0.066, 0.066),
            4.4,
            0.0,
            0.0,
            3.5,
        ),
    }
    sun, sky, horizon, exposure, haze, wet, noise = table[weather]
    lit = lamps if weather in {Weather.NIGHT, Weather.DUSK, Weather.INDOOR} else ()
    return Light(weather, to_sun, sun, sky, horizon, lit, exposure, haze, wet, noise)
