import {
  mdiAccount, mdiAirConditioner, mdiAirFilter, mdiAlert, mdiAlertCircleOutline, mdiAngleAcute, mdiArrowExpandVertical,
  mdiBathtub, mdiBattery, mdiBatteryCharging, mdiBed, mdiBell, mdiBellRing, mdiBlinds, mdiBlindsOpen, mdiBrightness5,
  mdiCalendar, mdiCamera, mdiCar, mdiCeilingLight, mdiCellphone, mdiChip, mdiClockOutline, mdiCoffeeMaker,
  mdiCompassOutline, mdiCounter, mdiCpu64Bit, mdiCurrentAc, mdiCurtains, mdiDesk, mdiDishwasher, mdiDoor,
  mdiDoorClosed, mdiDoorOpen, mdiDoorbell, mdiEvStation, mdiEye, mdiEyeOff, mdiFan, mdiFire, mdiFlash, mdiFloorLamp,
  mdiFlower, mdiFormTextbox, mdiFormatListBulleted, mdiFridge, mdiGarage, mdiGarageOpen, mdiGasCylinder, mdiGauge,
  mdiGestureTapButton, mdiHeatPump, mdiHelpCircleOutline, mdiHome, mdiHomeAccount, mdiHomeBattery, mdiHumanMaleHeight,
  mdiImage, mdiKettle, mdiLamp, mdiLanConnect, mdiLanDisconnect, mdiLeaf, mdiLedStripVariant, mdiLightbulb,
  mdiLightbulbOutline, mdiLightningBolt, mdiLock, mdiLockOpenVariant, mdiMailbox, mdiMapMarker, mdiMemory,
  mdiMessageTextOutline, mdiMeterElectricOutline, mdiMeterGas, mdiMicrowave, mdiMolecule, mdiMoleculeCo,
  mdiMoleculeCo2, mdiMotionSensor, mdiMotionSensorOff, mdiMusic, mdiNumeric, mdiPalette, mdiPipeLeak, mdiPower,
  mdiPowerPlug, mdiPowerPlugOutline, mdiPowerSocketDe, mdiPowerSocketEu, mdiRadiator, mdiRadioboxMarked, mdiRayVertex,
  mdiRemote, mdiRestart, mdiRobotMower, mdiRobotVacuum, mdiRouterWireless, mdiRuler, mdiScaleBalance, mdiServerNetwork,
  mdiShieldCheck, mdiShieldHome, mdiShower, mdiSignal, mdiSineWave, mdiSmokeDetector, mdiSmokeDetectorVariant,
  mdiSnowflake, mdiSofa, mdiSolarPanel, mdiSolarPower, mdiSpeaker, mdiSpeedometer, mdiSprinkler, mdiSprinklerVariant,
  mdiSprout, mdiStove, mdiTelevision, mdiThermometer, mdiThermostat, mdiTimerOutline, mdiToggleSwitch,
  mdiToggleSwitchOutline, mdiToggleSwitchVariant, mdiToilet, mdiTransmissionTower, mdiTreeOutline, mdiTumbleDryer,
  mdiTune, mdiUpdate, mdiValve, mdiValveClosed, mdiVibrate, mdiVolumeHigh, mdiVolumeOff, mdiWashingMachine, mdiWater,
  mdiWaterAlert, mdiWaterBoiler, mdiWaterOff, mdiWaterPercent, mdiWaterPump, mdiWaterThermometer, mdiWeatherNight,
  mdiWeatherPartlyCloudy, mdiWeatherRainy, mdiWeatherSunny, mdiWeatherWindy, mdiWeight, mdiWhiteBalanceSunny, mdiWifi,
  mdiWindowClosedVariant, mdiWindowOpenVariant, mdiWindowShutter, mdiWindowShutterOpen,
} from '@mdi/js'
import type { Component, Device, Entity, State } from './api.gen'

/** Icons an announcement may name. The whole set is 2.7 MB, so a rarer name falls back to its kind. */
const NAMED: Record<string, string> = {
  thermometer: mdiThermometer, 'water-percent': mdiWaterPercent, gauge: mdiGauge, flash: mdiFlash,
  'lightning-bolt': mdiLightningBolt, battery: mdiBattery, 'battery-charging': mdiBatteryCharging,
  'brightness-5': mdiBrightness5, 'white-balance-sunny': mdiWhiteBalanceSunny, 'weather-sunny': mdiWeatherSunny,
  'weather-night': mdiWeatherNight, 'weather-partly-cloudy': mdiWeatherPartlyCloudy, 'weather-rainy': mdiWeatherRainy,
  wifi: mdiWifi, signal: mdiSignal, counter: mdiCounter, 'clock-outline': mdiClockOutline,
  'timer-outline': mdiTimerOutline, calendar: mdiCalendar, 'molecule-co2': mdiMoleculeCo2,
  'molecule-co': mdiMoleculeCo, molecule: mdiMolecule, 'air-filter': mdiAirFilter, fan: mdiFan,
  lightbulb: mdiLightbulb, 'lightbulb-outline': mdiLightbulbOutline, lamp: mdiLamp, 'floor-lamp': mdiFloorLamp,
  'led-strip-variant': mdiLedStripVariant, 'ceiling-light': mdiCeilingLight, 'power-plug': mdiPowerPlug,
  'power-plug-outline': mdiPowerPlugOutline, power: mdiPower, 'power-socket-de': mdiPowerSocketDe,
  'power-socket-eu': mdiPowerSocketEu, 'toggle-switch': mdiToggleSwitch,
  'toggle-switch-outline': mdiToggleSwitchOutline, 'toggle-switch-variant': mdiToggleSwitchVariant, door: mdiDoor,
  'door-open': mdiDoorOpen, 'door-closed': mdiDoorClosed, 'window-closed-variant': mdiWindowClosedVariant,
  'window-open-variant': mdiWindowOpenVariant, garage: mdiGarage, 'garage-open': mdiGarageOpen, lock: mdiLock,
  'lock-open-variant': mdiLockOpenVariant, 'motion-sensor': mdiMotionSensor, 'motion-sensor-off': mdiMotionSensorOff,
  account: mdiAccount, home: mdiHome, 'home-account': mdiHomeAccount,
  'smoke-detector-variant': mdiSmokeDetectorVariant, 'smoke-detector': mdiSmokeDetector, fire: mdiFire,
  water: mdiWater, 'water-alert': mdiWaterAlert, 'water-off': mdiWaterOff, 'water-pump': mdiWaterPump,
  'pipe-leak': mdiPipeLeak, 'gas-cylinder': mdiGasCylinder, radiator: mdiRadiator, thermostat: mdiThermostat,
  'air-conditioner': mdiAirConditioner, 'heat-pump': mdiHeatPump, 'water-boiler': mdiWaterBoiler,
  'water-thermometer': mdiWaterThermometer, snowflake: mdiSnowflake, curtains: mdiCurtains, blinds: mdiBlinds,
  'blinds-open': mdiBlindsOpen, 'window-shutter': mdiWindowShutter, 'window-shutter-open': mdiWindowShutterOpen,
  valve: mdiValve, 'valve-closed': mdiValveClosed, 'robot-vacuum': mdiRobotVacuum, 'robot-mower': mdiRobotMower,
  sprinkler: mdiSprinkler, 'sprinkler-variant': mdiSprinklerVariant, flower: mdiFlower, leaf: mdiLeaf,
  sprout: mdiSprout, 'tree-outline': mdiTreeOutline, camera: mdiCamera, image: mdiImage, bell: mdiBell,
  'bell-ring': mdiBellRing, alert: mdiAlert, 'alert-circle-outline': mdiAlertCircleOutline,
  'shield-home': mdiShieldHome, 'shield-check': mdiShieldCheck, update: mdiUpdate,
  'gesture-tap-button': mdiGestureTapButton, 'radiobox-marked': mdiRadioboxMarked, 'form-textbox': mdiFormTextbox,
  'format-list-bulleted': mdiFormatListBulleted, 'ray-vertex': mdiRayVertex, numeric: mdiNumeric,
  'map-marker': mdiMapMarker, cellphone: mdiCellphone, television: mdiTelevision, speaker: mdiSpeaker,
  remote: mdiRemote, music: mdiMusic, 'volume-high': mdiVolumeHigh, 'washing-machine': mdiWashingMachine,
  dishwasher: mdiDishwasher, 'tumble-dryer': mdiTumbleDryer, fridge: mdiFridge, stove: mdiStove,
  'coffee-maker': mdiCoffeeMaker, kettle: mdiKettle, microwave: mdiMicrowave, 'ev-station': mdiEvStation, car: mdiCar,
  'solar-power': mdiSolarPower, 'solar-panel': mdiSolarPanel, 'transmission-tower': mdiTransmissionTower,
  'home-battery': mdiHomeBattery, 'meter-electric-outline': mdiMeterElectricOutline, 'meter-gas': mdiMeterGas,
  'current-ac': mdiCurrentAc, 'sine-wave': mdiSineWave, 'angle-acute': mdiAngleAcute, 'scale-balance': mdiScaleBalance,
  weight: mdiWeight, 'weather-windy': mdiWeatherWindy, 'compass-outline': mdiCompassOutline,
  speedometer: mdiSpeedometer, chip: mdiChip, memory: mdiMemory, 'cpu-64-bit': mdiCpu64Bit,
  'router-wireless': mdiRouterWireless, 'server-network': mdiServerNetwork, 'lan-connect': mdiLanConnect,
  'lan-disconnect': mdiLanDisconnect, restart: mdiRestart, 'help-circle-outline': mdiHelpCircleOutline, eye: mdiEye,
  'eye-off': mdiEyeOff, vibrate: mdiVibrate, 'volume-off': mdiVolumeOff, tune: mdiTune,
  'message-text-outline': mdiMessageTextOutline, palette: mdiPalette, mailbox: mdiMailbox, doorbell: mdiDoorbell,
  desk: mdiDesk, bed: mdiBed, sofa: mdiSofa, shower: mdiShower, bathtub: mdiBathtub, toilet: mdiToilet,
  'human-male-height': mdiHumanMaleHeight, ruler: mdiRuler, 'arrow-expand-vertical': mdiArrowExpandVertical,
}

const BY_CLASS: Record<string, string> = {
  temperature: mdiThermometer, humidity: mdiWaterPercent, moisture: mdiWaterAlert, power: mdiFlash, apparent_power: mdiFlash,
  reactive_power: mdiFlash, energy: mdiLightningBolt, energy_storage: mdiHomeBattery, voltage: mdiSineWave, current: mdiCurrentAc,
  frequency: mdiSineWave, power_factor: mdiAngleAcute, battery: mdiBattery, battery_charging: mdiBatteryCharging,
  illuminance: mdiBrightness5, pressure: mdiGauge, atmospheric_pressure: mdiGauge, signal_strength: mdiWifi, carbon_dioxide: mdiMoleculeCo2,
  carbon_monoxide: mdiMoleculeCo, pm1: mdiMolecule, pm25: mdiMolecule, pm10: mdiMolecule, aqi: mdiAirFilter,
  volatile_organic_compounds: mdiMolecule, gas: mdiMeterGas, water: mdiWater, wind_speed: mdiWeatherWindy, precipitation: mdiWeatherRainy,
  timestamp: mdiClockOutline, duration: mdiTimerOutline, distance: mdiRuler, speed: mdiSpeedometer, weight: mdiWeight,
  connectivity: mdiLanConnect, problem: mdiAlertCircleOutline, safety: mdiShieldCheck, tamper: mdiAlert, heat: mdiFire, cold: mdiSnowflake,
  light: mdiBrightness5, sound: mdiVolumeHigh, vibration: mdiVibrate, occupancy: mdiAccount, presence: mdiHomeAccount, plug: mdiPowerPlug,
  outlet: mdiPowerSocketDe, running: mdiPower, moving: mdiMotionSensor, update: mdiUpdate, restart: mdiRestart, identify: mdiEye,
}

/** Pairs that show what is so: open or closed, on or off. */
const BY_CLASS_ON_OFF: Record<string, [on: string, off: string]> = {
  door: [mdiDoorOpen, mdiDoorClosed], opening: [mdiDoorOpen, mdiDoorClosed], window: [mdiWindowOpenVariant, mdiWindowClosedVariant],
  garage_door: [mdiGarageOpen, mdiGarage], lock: [mdiLockOpenVariant, mdiLock], motion: [mdiMotionSensor, mdiMotionSensorOff],
  smoke: [mdiSmokeDetectorVariant, mdiSmokeDetector],
}

const BY_COMPONENT: Partial<Record<Component, string>> = {
  alarm_control_panel: mdiShieldHome, binary_sensor: mdiRadioboxMarked, button: mdiGestureTapButton, camera: mdiCamera, climate: mdiThermostat,
  cover: mdiWindowShutter, device_tracker: mdiMapMarker, event: mdiBell, fan: mdiFan, humidifier: mdiAirFilter, image: mdiImage,
  lawn_mower: mdiRobotMower, light: mdiLightbulb, lock: mdiLock, notify: mdiMessageTextOutline, number: mdiRayVertex, scene: mdiPalette,
  select: mdiFormatListBulleted, sensor: mdiGauge, siren: mdiBellRing, switch: mdiToggleSwitchVariant, text: mdiFormTextbox, update: mdiUpdate,
  vacuum: mdiRobotVacuum, valve: mdiValve, water_heater: mdiWaterBoiler,
}

const named = (icon: string | null): string | undefined => (icon ? NAMED[icon.replace(/^mdi:/, '')] : undefined)

/** The icon of an entity: what it asked for, or else by class and state, or else by kind. A bare relay is what its
 * device is: the switch of a lamp is a lamp. */
export function entityIcon(entity: Entity, state?: State, device?: Device): string {
  const pair = entity.device_class ? BY_CLASS_ON_OFF[entity.device_class] : undefined
  return named(entity.icon)
    ?? (pair ? pair[state?.value === true ? 0 : 1] : undefined)
    ?? (entity.device_class ? BY_CLASS[entity.device_class] : undefined)
    ?? (device && entity.component === 'switch' && !entity.category ? byWords(device) : undefined)
    ?? BY_COMPONENT[entity.component]
    ?? mdiHelpCircleOutline
}

/** The icon of a device: of what it is there for, where an entity says so; boards look alike, so else it is told by
 * words in its name and model. */
export function deviceIcon(device: Device, entities: readonly { entity: Entity }[]): string {
  const kinds = new Set(entities.filter(({ entity }) => !entity.category).map(({ entity }) => entity.component))
  const kind = TELLING.find((one) => kinds.has(one))
  return (kind && BY_COMPONENT[kind]) ?? byWords(device) ?? mdiChip
}

/** Kinds that say what a device is, the more particular first. */
const TELLING: readonly Component[] = [
  'camera', 'lock', 'alarm_control_panel', 'vacuum', 'lawn_mower', 'water_heater', 'climate', 'humidifier', 'valve', 'cover', 'siren', 'fan', 'light', 'image',
]

function byWords(device: Device): string | undefined {
  const text = `${device.name} ${device.model ?? ''}`.toLowerCase()
  return DEVICE_WORDS.find(([word]) => word.test(text))?.[1]
}

const DEVICE_WORDS: [RegExp, string][] = [
  [/scd\d/, mdiMoleculeCo2],
  [/sht\d|bme\d|dht\d|ds18/, mdiThermometer],
  [/plug|socket|outlet|steckdose/, mdiPowerSocketDe],
  [/lamp|light|bulb|led|leuchte|licht/, mdiLightbulb],
  [/motion|presence|pir\b|bewegung/, mdiMotionSensor],
  [/window|fenster/, mdiWindowClosedVariant],
  [/door|tür/, mdiDoorClosed],
  [/shutter|blind|cover|curtain|rollo|jalousie/, mdiWindowShutter],
  [/fridge|freezer|kühl/, mdiFridge],
  [/wash|wasch/, mdiWashingMachine],
  [/dishwasher|spül/, mdiDishwasher],
  [/coffee|kaffee/, mdiCoffeeMaker],
  [/tv\b|television|fernseh/, mdiTelevision],
  [/thermo|climate|heat|radiator|heizung|trv/, mdiThermostat],
  [/temp|humid|weather|klima/, mdiThermometer],
  [/co2|air|luft|voc/, mdiMoleculeCo2],
  [/meter|energy|power|zähler|strom/, mdiMeterElectricOutline],
  [/smoke|rauch/, mdiSmokeDetector],
  [/leak|water|pump|wasser/, mdiWater],
  [/soil|plant|garden|pflanze|garten|bed\b/, mdiSprout],
  [/switch|relay|schalter|relais/, mdiToggleSwitchVariant],
  [/button|remote|taster/, mdiGestureTapButton],
  [/camera|kamera/, mdiCamera],
  [/fan|lüfter/, mdiFan],
]
