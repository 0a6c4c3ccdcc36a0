// A board that has one entity of every kind Home Assistant's MQTT integration knows, as such a board announces it.

const BASE = 'every'
/** Topics of the announcements and of everything the board says and hears. */
export const MAY = { mayWrite: ['homeassistant/#', `${BASE}/#`], mayRead: [`${BASE}/#`] }

const at = (path) => `${BASE}/${path}`
const DEVICE = { ids: ['every-kind'], name: 'Workbench', mf: 'Hearth', mdl: 'One of each' }

/** Each kind: what is announced of it beside its name, and what the board says of it at first, by topic. */
export const KINDS = {
  alarm_control_panel: {
    name: 'Alarm',
    config: { stat_t: at('alarm'), cmd_t: at('alarm/set'), code: '1234', code_arm_required: false, cmd_tpl: '{{ action }} {{ code }}' },
    says: { alarm: 'disarmed' },
  },
  binary_sensor: { name: 'Window', config: { stat_t: at('window'), dev_cla: 'window' }, says: { window: 'ON' } },
  button: { name: 'Restart', config: { cmd_t: at('button/set') } },
  camera: { name: 'Camera', config: { t: at('camera') } },
  climate: {
    name: 'Heating',
    config: {
      mode_stat_t: at('climate/mode'), mode_cmd_t: at('climate/mode/set'), modes: ['off', 'heat', 'cool', 'heat_cool'],
      temp_stat_t: at('climate/target'), temp_cmd_t: at('climate/target/set'), curr_temp_t: at('climate/now'), act_t: at('climate/action'),
      pr_mode_stat_t: at('climate/preset'), pr_mode_cmd_t: at('climate/preset/set'), pr_modes: ['eco', 'away'],
      fan_mode_stat_t: at('climate/fan'), fan_mode_cmd_t: at('climate/fan/set'),
      swing_mode_stat_t: at('climate/swing'), swing_mode_cmd_t: at('climate/swing/set'),
      temp_lo_stat_t: at('climate/low'), temp_lo_cmd_t: at('climate/low/set'), temp_hi_stat_t: at('climate/high'), temp_hi_cmd_t: at('climate/high/set'),
      min_temp: 7, max_temp: 30, temp_step: 0.5, temp_unit: 'C',
    },
    says: {
      'climate/mode': 'heat', 'climate/target': '21.5', 'climate/now': '20.3', 'climate/action': 'heating', 'climate/preset': 'eco', 'climate/fan': 'auto', 'climate/swing': 'off',
    },
  },
  cover: {
    name: 'Blind',
    config: {
      cmd_t: at('cover/set'), stat_t: at('cover'), pos_t: at('cover/position'), set_pos_t: at('cover/position/set'),
      tilt_cmd_t: at('cover/tilt/set'), tilt_status_t: at('cover/tilt'), dev_cla: 'blind',
    },
    says: { cover: 'open', 'cover/position': '60', 'cover/tilt': '30' },
  },
  device_tracker: {
    name: 'Keys', config: { stat_t: at('tracker'), json_attr_t: at('tracker/more') },
    says: { tracker: 'not_home', 'tracker/more': '{"latitude":52.52,"longitude":13.405,"gps_accuracy":12,"battery_level":71}' },
  },
  event: { name: 'Doorbell', config: { stat_t: at('event'), event_types: ['press', 'double_press'], dev_cla: 'doorbell' }, says: { event: '{"event_type":"press","button":1}' } },
  fan: {
    name: 'Fan',
    config: {
      stat_t: at('fan'), cmd_t: at('fan/set'), pct_stat_t: at('fan/speed'), pct_cmd_t: at('fan/speed/set'), spd_rng_min: 1, spd_rng_max: 4,
      pr_mode_stat_t: at('fan/preset'), pr_mode_cmd_t: at('fan/preset/set'), pr_modes: ['breeze', 'sleep'],
      osc_stat_t: at('fan/swings'), osc_cmd_t: at('fan/swings/set'), dir_stat_t: at('fan/way'), dir_cmd_t: at('fan/way/set'),
    },
    says: { fan: 'ON', 'fan/speed': '2', 'fan/preset': 'breeze', 'fan/swings': 'oscillate_off', 'fan/way': 'forward' },
  },
  humidifier: {
    name: 'Humidifier',
    config: {
      stat_t: at('humidifier'), cmd_t: at('humidifier/set'), hum_stat_t: at('humidifier/target'), hum_cmd_t: at('humidifier/target/set'),
      current_humidity_topic: at('humidifier/now'), mode_stat_t: at('humidifier/mode'), mode_cmd_t: at('humidifier/mode/set'), modes: ['normal', 'eco'],
      min_hum: 30, max_hum: 80, act_t: at('humidifier/action'),
    },
    says: { humidifier: 'ON', 'humidifier/target': '45', 'humidifier/now': '39', 'humidifier/mode': 'normal', 'humidifier/action': 'humidifying' },
  },
  image: { name: 'Poster', config: { url_t: at('image') }, says: { image: 'http://192.168.1.9/poster.png' } },
  lawn_mower: {
    name: 'Mower',
    config: { activity_state_topic: at('mower'), start_mowing_command_topic: at('mower/set'), pause_command_topic: at('mower/set'), dock_command_topic: at('mower/set') },
    says: { mower: 'docked' },
  },
  light: {
    name: 'Lamp',
    config: {
      schema: 'json', stat_t: at('light'), cmd_t: at('light/set'), brightness: true, supported_color_modes: ['hs', 'color_temp'], color_temp_kelvin: true,
      min_kelvin: 2000, max_kelvin: 6500, effect: true, effect_list: ['rainbow', 'candle'], flash: false,
    },
    says: { light: '{"state":"ON","brightness":128,"color_mode":"hs","color":{"h":30,"s":80},"effect":"candle"}' },
  },
  lock: { name: 'Door', config: { stat_t: at('lock'), cmd_t: at('lock/set'), pl_open: 'OPEN' }, says: { lock: 'LOCKED' } },
  notify: { name: 'Display', config: { cmd_t: at('notify/set') } },
  number: { name: 'Interval', config: { stat_t: at('number'), cmd_t: at('number/set'), min: 0, max: 60, step: 5, unit_of_meas: 's' }, says: { number: '30' } },
  scene: { name: 'Evening', config: { cmd_t: at('scene/set'), pl_on: 'GO' } },
  select: { name: 'Program', config: { stat_t: at('select'), cmd_t: at('select/set'), ops: ['cotton', 'wool', 'quick'] }, says: { select: 'cotton' } },
  sensor: { name: 'Temperature', config: { stat_t: at('sensor'), unit_of_meas: '°C', dev_cla: 'temperature', stat_cla: 'measurement' }, says: { sensor: '21.4' } },
  siren: {
    name: 'Siren', config: { stat_t: at('siren'), cmd_t: at('siren/set'), av_tones: ['bell', 'horn'], sup_dur: true, sup_vol: true },
    says: { siren: '{"state":"OFF","tone":"bell","volume_level":0.5,"duration":10}' },
  },
  switch: { name: 'Relay', config: { stat_t: at('switch'), cmd_t: at('switch/set') }, says: { switch: 'OFF' } },
  text: { name: 'Label', config: { stat_t: at('text'), cmd_t: at('text/set'), ptrn: '[a-z ]+', max: 20 }, says: { text: 'hello' } },
  update: {
    name: 'Firmware', config: { stat_t: at('update'), cmd_t: at('update/set'), pl_inst: 'INSTALL' },
    says: { update: '{"installed_version":"1.0","latest_version":"1.1","title":"Workbench","release_summary":"Quieter relays.","release_url":"https://example.org/1.1"}' },
  },
  vacuum: {
    name: 'Vacuum',
    config: {
      stat_t: at('vacuum'), cmd_t: at('vacuum/set'), set_fan_spd_t: at('vacuum/speed/set'), fanspd_lst: ['quiet', 'strong'],
      sup_feat: ['start', 'pause', 'stop', 'return_home', 'locate', 'clean_spot', 'fan_speed', 'battery'],
    },
    says: { vacuum: '{"state":"docked","battery_level":88,"fan_speed":"quiet"}' },
  },
  valve: { name: 'Valve', config: { stat_t: at('valve'), cmd_t: at('valve/set'), pos: true }, says: { valve: '{"state":"open","position":40}' } },
  water_heater: {
    name: 'Boiler',
    config: {
      mode_stat_t: at('boiler/mode'), mode_cmd_t: at('boiler/mode/set'), modes: ['off', 'eco', 'performance'],
      temp_stat_t: at('boiler/target'), temp_cmd_t: at('boiler/target/set'), curr_temp_t: at('boiler/now'), min_temp: 40, max_temp: 65,
    },
    says: { 'boiler/mode': 'eco', 'boiler/target': '55', 'boiler/now': '48' },
  },
}

/** Announces every kind and says how each is; `client` is one of mqtt.js. */
export async function announceEveryKind(client) {
  for (const [component, { name, config }] of Object.entries(KINDS)) {
    const announced = { name, uniq_id: component, avty_t: at('status'), dev: DEVICE, ...config }
    await client.publishAsync(`homeassistant/${component}/every/config`, JSON.stringify(announced), { qos: 1, retain: true })
  }
  await client.publishAsync(at('status'), 'online', { qos: 1, retain: true })
  for (const { says = {} } of Object.values(KINDS)) {
    for (const [path, payload] of Object.entries(says)) await say(client, path, payload)
  }
}

/** The board says something about itself, below its own topic. */
export const say = (client, path, payload) => client.publishAsync(at(path), payload, { qos: 1, retain: true })
