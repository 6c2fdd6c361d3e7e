/**
 * The words a fingerprint is read out in, one for each value of a byte. Their order is part of the
 * protocol: it never changes. No two begin with the same three letters, so that a word half heard or
 * half typed is still that word.
 */

export const FINGERPRINT_WORDS: readonly string[] = `
  acorn actor alarm album alley amber apple apron arrow atlas attic bacon badge baker bamboo banjo
  barrel basket beach bench berry bison bottle bridge bronze bucket butter cabin cactus camel candle
  carpet castle cedar cello chalk cherry circus clay clover cobalt coffee comet copper cotton dairy
  dancer deer delta denim desert dinner doctor donkey dragon drum duck dune eagle earth easel echo
  elbow elm ember engine fabric falcon farmer fennel fiddle finger flag flute forest fossil fox frame
  frost fruit funnel galaxy garden ginger goat goblet grape guitar gull hammer harbor hazel hedge
  helmet heron hinge hockey honey hotel hunter igloo insect iris iron island ivory jacket jaguar jar
  jelly jewel jigsaw jockey jungle kayak kennel kettle kitten kiwi knee knight koala ladder lagoon
  lemon lily linen lizard locket lumber magnet mango maple marble meadow melon mirror mitten monkey
  mosaic motor muffin museum napkin nectar needle nest nickel noodle nugget nurse nylon oasis ocean
  olive onion opera orange orbit orchid otter oven oxygen oyster paddle palace panda parrot peanut
  pebble pencil pepper piano pickle pilot pirate planet plum pocket poem pollen pony potato puzzle
  quartz queen quilt rabbit radio raft raven reef ribbon river robin rocket rose ruby rudder saddle
  salmon sandal satin scarf seal shadow shell silver sketch snail socket spider squid stable sugar
  summit swan table tailor tango teapot temple tennis ticket tiger timber tomato topaz tulip tunnel
  turtle uncle valley velvet vessel violin voyage waffle wagon walnut water weasel whale willow window
  wizard wolf wool wrist yacht yellow yogurt zebra zenith zigzag zinc
`.trim().split(/\s+/);
