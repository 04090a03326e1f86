/** A small library about ships: enough of it for every state the page can be in. */

const sections = Array.from(
  { length: 60 },
  (_, index) =>
    `## Frame ${index + 1}\n\nThe frame is set up on the building berth, faired with ribbands and held by shores until the deck beams are in. ` +
    `Its heel is bolted through the floor timber, and its head is left long until the line of the rail is known.\n`,
)

const planks = Object.fromEntries(
  Array.from({ length: 25 }, (_, index) => [
    `planking/strake-${String(index + 1).padStart(2, '0')}.md`,
    `# Strake ${index + 1}\n\nThis garboard is spiled, steamed and hung in one morning.\n`,
  ]),
)

/** Path to content. */
export const harbourDocuments: Readonly<Record<string, string | Buffer>> = {
  'keelson.md':
    '# The keelson\n\nA **keelson** is the beam that ties the frames of a ship into one hull. It lies on the floor timbers, above the keel.\n',
  'bilge.md': '# Bilge\n\nWater gathers in the bilge. A bilge pump lifts it over the side.\n',
  'building.md': `# Building a hull\n\n${sections.join('\n')}\n## Launching\n\nThe cradle is greased with tallow before the dagger shores are struck.\n`,
  'guides/ballast.txt': 'Ballast\n\nIron pigs are stowed along the keelson as ballast, low and amidships.\n',
  'damaged.md': Buffer.from([0x23, 0x20, 0xff, 0xfe, 0xc3, 0x28]),
  ...planks,
}
